package config_test

import (
	"context"
	"errors"
	"time"

	"github.com/grapnel-dev/grapnel/internal/config"
	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/units"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

// catalog is a build with three small modules and three methods: what the rules of the configuration need, whatever the
// real ones look like.
func catalog() config.Catalog {
	return config.Catalog{
		Modules: []destination.Module{
			{Name: "print", Config: func() destination.Config { return &printer{Format: "line"} }},
			{
				Name: "queue", Aliases: []string{"broker"}, ConnectionTypes: []string{"amqp"}, Codes: []string{"QueueFull"},
				Config: func() destination.Config { return &queue{Port: 5672, User: "guest"} },
			},
			{Name: "post", Config: func() destination.Config { return &post{Timeout: units.Duration(30 * time.Second)} }},
		},
		Methods: []verify.Method{
			{Name: "authorization", Config: func() verify.Config { return new(password) }},
			{Name: "signature", Config: func() verify.Config { return &signature{Algorithm: "sha256"} }},
			{Name: "allow", Config: func() verify.Config { return new(allow) }},
		},
	}
}

type noOpen struct{}

func (noOpen) Open(destination.Env) (destination.Destination, error) {
	return nil, errors.New("not in this test")
}

// printer takes no connection.
type printer struct {
	noOpen

	Format string `yaml:"format" enum:"line|pretty"`
	Colour bool   `yaml:"colour"`
}

func (*printer) Validate() error { return nil }

// queue takes half of its keys from a connection.
type queue struct {
	noOpen

	Queue    string       `yaml:"queue_name" required:"true"`
	Host     string       `yaml:"host" required:"true"`
	Port     int          `yaml:"port" range:"1..65535"`
	User     string       `yaml:"user"`
	Password secret.Value `yaml:"pass"`
}

func (q *queue) Validate() error {
	if q.User != "guest" && q.Password.Empty() {
		return errors.New("pass: is required for any user but guest")
	}
	return nil
}

// post has a timeout of its own.
type post struct {
	noOpen

	URL     string                  `yaml:"url" required:"true"`
	Headers map[string]secret.Value `yaml:"headers"`
	Allowed []string                `yaml:"allowed_headers"`
	Timeout units.Duration          `yaml:"timeout" range:"1ms..1h"`
}

func (*post) Validate() error                 { return nil }
func (p *post) AttemptTimeout() time.Duration { return p.Timeout.Std() }

type openVerifier struct{}

func (openVerifier) Open() (verify.Verifier, error) { return openVerifier{}, nil }

func (openVerifier) Verify(context.Context, *verify.Request) error { return nil }

// password is a method that is one text.
type password struct {
	openVerifier

	value secret.Value
}

func (p *password) UnmarshalText(text []byte) error { return p.value.UnmarshalText(text) }

func (p *password) Validate() error {
	if len(p.value.Reveal()) < 4 {
		return errors.New("is shorter than 4 characters")
	}
	return nil
}

// signature is a method that is an object.
type signature struct {
	openVerifier

	Secret    secret.Value `yaml:"secret" required:"true"`
	Algorithm string       `yaml:"algorithm" enum:"sha1|sha256"`
	Tolerance int          `yaml:"tolerance" range:"..600"`
}

func (*signature) Validate() error { return nil }

// allow is a method that is a list.
type allow []string

func (*allow) Validate() error                { return nil }
func (*allow) Open() (verify.Verifier, error) { return openVerifier{}, nil }
