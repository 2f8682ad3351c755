// Package config reads the configuration of a gateway and holds it as typed, validated values: what to listen on, what
// to keep, and for every webhook who may send to it and where its events go.
//
// It knows none of the modules and verification methods: a Catalog brings their structs. It opens nothing but files.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/config/document"
	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/units"
)

// Config is a whole configuration, valid in every value. It is not changed after Load made it.
type Config struct {
	// Server is what senders reach.
	Server Server `yaml:"server"`
	// Admin is what operators reach.
	Admin Admin `yaml:"admin"`
	// Store is where events are kept: a directory, which is made if it is missing.
	Store string `yaml:"store"`
	// Retention is how long what has ended is kept.
	Retention Retention `yaml:"retention"`

	// Webhooks are the endpoints by id: "orders", or "shop/orders" with a namespace.
	Webhooks map[string]*Webhook `yaml:"-"`
	// Warnings are what a person should look at although the configuration works.
	Warnings Problems `yaml:"-"`

	source *document.Node // what it was read from
}

// Server is the listener that receives webhooks, and the limits that hold before anything is known about a request.
type Server struct {
	// Listen is the address senders reach: host:port.
	Listen string `yaml:"listen"`
	// PublicURL is the address under which senders know this gateway, as in https://hooks.example.com. Providers that
	// sign the address of a request need it.
	PublicURL string `yaml:"public_url"`
	// TrustedProxies are the addresses and networks (CIDR) whose X-Forwarded-For is believed.
	TrustedProxies []Network `yaml:"trusted_proxies"`
	// MaxBody is the largest request body that any webhook accepts; a webhook may set a lower limit.
	MaxBody units.Size `yaml:"max_body" range:"1KiB..1GiB"`
	// MaxHeader is the largest header of a request, with all its lines.
	MaxHeader units.Size `yaml:"max_header" range:"4KiB..1MiB"`
	// MaxInFlight bounds the memory that the bodies of all requests under way may take; beyond it senders get 503.
	MaxInFlight units.Size `yaml:"max_in_flight" range:"1MiB..1TiB"`
	// MaxConnections is how many connections may be open at once.
	MaxConnections int `yaml:"max_connections" range:"1..1000000"`
	// HeaderTimeout is how long a sender may take for the header of a request.
	HeaderTimeout units.Duration `yaml:"header_timeout" range:"100ms..5m"`
	// BodyTimeout is how long a sender may take for the body of a request.
	BodyTimeout units.Duration `yaml:"body_timeout" range:"100ms..1h"`
	// IdleTimeout is how long a connection may be kept without a request.
	IdleTimeout units.Duration `yaml:"idle_timeout" range:"1s..1h"`
	// DrainTimeout is how long a stop or a reload waits for what is under way.
	DrainTimeout units.Duration `yaml:"drain_timeout" range:"0s..10m"`
}

// Admin is the listener for operators: health, metrics, API and dashboard.
type Admin struct {
	// Listen is the address operators reach: host:port. Beyond loopback a token is required.
	Listen string `yaml:"listen"`
	// Token is what a client must send as a bearer token.
	Token secret.Value `yaml:"token"`
}

// Retention is how long events are kept after their last delivery ended. What is pending is never deleted.
type Retention struct {
	// Delivered is how long events are kept all of whose deliveries were delivered; 0 is for ever.
	Delivered units.Duration `yaml:"delivered" range:"0s..3650d"`
	// Dead is how long events are kept of which a delivery ended in any other way: dead, discarded or skipped; 0 is for
	// ever.
	Dead units.Duration `yaml:"dead" range:"0s..3650d"`
	// MaxBytes is the size of the store beyond which the oldest delivered events are deleted before their time; 0 is
	// no limit.
	MaxBytes units.Size `yaml:"max_bytes"`
}

// Default is the configuration of a gateway about which nothing is written.
func Default() Config {
	return Config{Server: defaultServer(), Admin: Admin{Listen: "127.0.0.1:8001"}, Store: "./data", Retention: defaultRetention()}
}

func defaultServer() Server {
	return Server{
		Listen:         "127.0.0.1:8000",
		MaxBody:        10 << 20,
		MaxHeader:      64 << 10,
		MaxInFlight:    512 << 20,
		MaxConnections: 10_000,
		HeaderTimeout:  seconds(5),
		BodyTimeout:    seconds(30),
		IdleTimeout:    seconds(120),
		DrainTimeout:   seconds(15),
	}
}

func defaultRetention() Retention {
	return Retention{Delivered: days(3), Dead: days(30)}
}

// Validate checks where events are kept.
func (c Config) Validate() error {
	scheme, _, isURL := strings.Cut(c.Store, "://")
	switch {
	case c.Store == "":
		return errors.New("store: must not be empty: want a directory, as in ./data")
	case scheme == "postgres" || scheme == "postgresql":
		return errors.New("store: this build keeps events in a directory only; PostgreSQL comes later: want a directory, as in ./data")
	case isURL:
		return fmt.Errorf("store: %s:// is not a kind of store: want a directory, as in ./data", scheme)
	}
	return nil
}

// Validate checks the addresses.
func (s Server) Validate() error {
	return errors.Join(checkAddress(s.Listen), checkPublicURL(s.PublicURL))
}

// Validate checks the address, and that whoever can reach it must prove who they are.
func (a Admin) Validate() error {
	if err := checkAddress(a.Listen); err != nil {
		return err
	}
	if a.Token.Empty() && !loopback(a.Listen) {
		return fmt.Errorf("listen: %s can be reached from other machines, so admin.token is required: "+
			"set token (file:/path is best), or listen on 127.0.0.1", a.Listen)
	}
	return nil
}

func checkAddress(listen string) error {
	_, port, err := net.SplitHostPort(listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("listen: %q is not an address: want host:port, as in 127.0.0.1:8000 or :8000", listen)
	}
	return nil
}

func loopback(listen string) bool {
	host, _, _ := net.SplitHostPort(listen)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func checkPublicURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errors.New("public_url: want the address that senders use, without a query: https://hooks.example.com")
	}
	return nil
}
