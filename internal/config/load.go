package config

import (
	"errors"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

// Source is where a configuration comes from: one file, or the two classic ones.
type Source struct {
	// File is the one file, YAML or (by its ending .json) JSON.
	File string
	// Webhooks and Connections are the two classic files. Connections may be empty.
	Webhooks, Connections string
	// Getenv gives the values of variables; os.LookupEnv.
	Getenv func(name string) (string, bool)
	// Overrides are settings from flags, which win over the file.
	Overrides []Override
}

// Override is a setting from a flag.
type Override struct {
	Flag  string // as people write it: "--listen"
	Path  string // of the key: "server.listen"
	Value string
}

// Catalog is what this build can do.
type Catalog struct {
	Modules []destination.Module
	Methods []verify.Method
}

// Load reads, checks and resolves a configuration. Its error is Problems: everything that is wrong, at once.
func Load(src Source, cat Catalog) (*Config, error) {
	return nil, errors.New("not yet")
}

// Redacted is the effective configuration, defaults included, as a value that encoding/json writes. Secrets are
// "[redacted]".
func (c *Config) Redacted() any { return nil }

func fingerprint(*Step) string { return "" }
