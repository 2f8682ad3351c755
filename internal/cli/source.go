package cli

import (
	"errors"
	"os"

	"github.com/grapnel-dev/grapnel/internal/app"
	"github.com/grapnel-dev/grapnel/internal/config"
)

// source is where a command finds the configuration.
type source struct {
	Config      string `help:"The configuration, YAML or JSON." placeholder:"FILE" env:"GRAPNEL_CONFIG" short:"c"`
	Webhooks    string `help:"The classic webhooks.json, instead of --config." placeholder:"FILE" env:"WEBHOOKS_CONFIG_FILE"`
	Connections string `help:"The classic connections.json." placeholder:"FILE" env:"CONNECTIONS_CONFIG_FILE"`
}

// files are the files of the configuration. --config wins over the classic files, which the environment may name.
func (s source) files() (config.Source, error) {
	switch {
	case s.Config != "":
		return config.Source{File: s.Config, Getenv: os.LookupEnv}, nil
	case s.Webhooks != "":
		return config.Source{Webhooks: s.Webhooks, Connections: s.Connections, Getenv: os.LookupEnv}, nil
	default:
		return config.Source{}, usageError{errNoConfig}
	}
}

var errNoConfig = errors.New("no configuration: say --config FILE, or --webhooks FILE and --connections FILE" +
	"\n`grapnel dev` needs none: it is a gateway to try things with")

func (s source) load() (*config.Config, error) {
	files, err := s.files()
	if err != nil {
		return nil, err
	}
	return config.Load(files, app.Catalog())
}

// settings are the settings of the process that flags may override.
type settings struct {
	Listen      string `help:"Address for senders, instead of server.listen." placeholder:"HOST:PORT"`
	AdminListen string `help:"Address for operators, instead of admin.listen." placeholder:"HOST:PORT"`
	Store       string `help:"Where events are kept, instead of store." placeholder:"DIR"`
}

func (s settings) overrides() []config.Override {
	var overrides []config.Override
	for _, o := range []config.Override{
		{Flag: "--listen", Path: "server.listen", Value: s.Listen},
		{Flag: "--admin-listen", Path: "admin.listen", Value: s.AdminListen},
		{Flag: "--store", Path: "store", Value: s.Store},
	} {
		if o.Value != "" {
			overrides = append(overrides, o)
		}
	}
	return overrides
}
