package cli

import (
	"cmp"
	"errors"
	"net"
	"time"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/units"
)

// defaultAdmin is where a gateway's admin surface is when nothing else is said.
const defaultAdmin = "http://127.0.0.1:8001"

// gateway is how a command reaches a running gateway.
type gateway struct {
	Admin  string       `help:"Address of the gateway's admin surface: that of --config, else http://127.0.0.1:8001." placeholder:"URL" env:"GRAPNEL_ADMIN"`
	Token  secret.Value `help:"The gateway's admin.token, or file:PATH." placeholder:"TOKEN" env:"GRAPNEL_TOKEN"`
	Config string       `help:"Take the address and the token from this configuration." placeholder:"FILE" type:"path"`
}

func (g gateway) client() (*api.Client, error) {
	address, token := g.Admin, g.Token
	if g.Config != "" {
		c, err := source{Config: g.Config}.load()
		if err != nil {
			return nil, err
		}
		address = cmp.Or(address, "http://"+reachable(c.Admin.Listen))
		if token.Empty() {
			token = c.Admin.Token
		}
	}
	client, err := api.NewClient(cmp.Or(address, defaultAdmin), token.Reveal())
	if err != nil {
		return nil, usageError{err}
	}
	return client, nil
}

// reachable turns an address to listen on into one to connect to.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// moment is a point in time: written as one, or as how long ago it was.
type moment struct{ time.Time }

// UnmarshalText reads 2026-05-01T12:00:00Z, 2026-05-01, or 24h, 3d for that long ago.
func (m *moment) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.ParseInLocation(layout, string(text), time.Local); err == nil {
			m.Time = at
			return nil
		}
	}
	ago, err := units.ParseDuration(string(text))
	if err != nil {
		return errNoMoment
	}
	m.Time = time.Now().Add(-ago)
	return nil
}

var errNoMoment = errors.New("want a time (2026-05-01T12:00:00Z, 2026-05-01) or how long ago it was (30m, 24h, 3d)")
