// Package log writes events to the standard output, for development and for seeing what a sender really sends.
//
// It is no archive: it redacts what looks secret, cuts what is long, and keeps nothing. An event is delivered when its
// line was written without an error.
package log

import (
	"context"
	"io"
	"os"
	"sync"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/event"
)

// Module is the module "log".
func Module() destination.Module {
	return destination.Module{
		Name:   "log",
		Config: func() destination.Config { return &Config{RedactSensitive: true, Output: os.Stdout} },
	}
}

// Config is the module-config of "log".
type Config struct {
	// PrettyPrint writes a block of several lines for each event instead of a single line.
	PrettyPrint bool `yaml:"pretty_print"`
	// RedactSensitive replaces the values of headers, JSON keys and form fields whose names look secret (password, token,
	// authorization, cookie, credit_card, …) by [REDACTED]. Bodies of other types have no names and are written as they
	// are.
	RedactSensitive bool `yaml:"redact_sensitive"`

	// Output is where events are written.
	Output io.Writer `yaml:"-"`
}

// Validate finds nothing wrong: every combination works.
func (c *Config) Validate() error { return nil }

// Open makes the destination.
func (c *Config) Open(destination.Env) (destination.Destination, error) {
	write := line
	if c.PrettyPrint {
		write = block
	}
	return &logger{out: c.Output, format: write, redact: c.RedactSensitive}, nil
}

type logger struct {
	mu     sync.Mutex // one event is written at a time
	out    io.Writer
	format func(e *event.Event, redact bool) []byte
	redact bool
}

// Deliver writes the event in one piece. A write that blocks, as to a full pipe, cannot be interrupted.
func (l *logger) Deliver(ctx context.Context, e *event.Event) (destination.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return destination.Receipt{}, err
	}
	text := l.format(e, l.redact)
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.out.Write(text)
	return destination.Receipt{}, err
}

// Close does nothing: the output is not ours.
func (l *logger) Close() error { return nil }
