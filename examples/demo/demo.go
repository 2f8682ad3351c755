// Package demo holds the configuration that `grapnel dev` and `make run` start with. It knows nothing else.
package demo

import _ "embed"

// Config is grapnel.yaml.
//
//go:embed grapnel.yaml
var Config string
