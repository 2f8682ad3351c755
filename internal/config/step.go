package config

import (
	"github.com/grapnel-dev/grapnel/internal/breaker"
	"github.com/grapnel-dev/grapnel/internal/config/document"
	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/retry"
	"github.com/grapnel-dev/grapnel/internal/units"
)

// Step is one destination of a webhook and how events are delivered to it.
type Step struct {
	// Name tells the steps of a webhook apart: the destination is called <webhook>.<name>. It is the module unless
	// written.
	Name string `yaml:"name"`
	// Module is the type of destination.
	Module string `yaml:"module"`
	// Connection names an entry of connections, whose keys lie beneath module-config.
	Connection string `yaml:"connection"`
	// Retry is what happens after a failed attempt.
	Retry retry.Policy `yaml:"retry"`
	// Concurrency is how many deliveries may be under way at once.
	Concurrency int `yaml:"concurrency" range:"1..10000"`
	// RateLimit is how many deliveries may start: a number per second, or "100/m" (s, m, h, d). None unless written.
	RateLimit Rate `yaml:"rate_limit"`
	// Timeout bounds one attempt. Unless it is written the module's own timeout holds, if it has one, else 10s. The
	// timeout of chain-config caps it.
	Timeout units.Duration `yaml:"timeout" range:"1ms..1h"`
	// CircuitBreaker is when a destination that fails is left alone for a while.
	CircuitBreaker breaker.Config `yaml:"circuit_breaker"`

	// Destination is the full name, under which deliveries are stored: "orders.rabbitmq".
	Destination string `yaml:"-"`
	// Config is the module's configuration, ready to be opened.
	Config destination.Config `yaml:"-"`

	// What it was read from, and where.
	node, configNode *document.Node
	path             string
}

// ChainConfig is how the steps of a chain depend on each other.
type ChainConfig struct {
	// Execution says whether the steps run one after the other or all at once.
	Execution string `yaml:"execution" enum:"sequential|parallel"`
	// ContinueOnError says whether the other steps go on when one has failed for good.
	ContinueOnError bool `yaml:"continue_on_error"`
	// Timeout caps each attempt of every step; none unless written. (A chain that is held durably for days has no
	// timeout as a whole, which would drop deliveries.)
	Timeout units.Duration `yaml:"timeout" range:"1ms..1h"`
}
