package cli

import (
	"github.com/grapnel-dev/grapnel/internal/app"
	"github.com/grapnel-dev/grapnel/internal/config"
)

// schema prints the JSON Schema of the configuration.
type schema struct{}

// Help is shown by kong.
func (*schema) Help() string {
	return `Editors that know JSON Schema then complete and check the configuration while it is written. For those with the YAML
language server put this at the head of the file:

    # yaml-language-server: $schema=grapnel.schema.json

Example:

    grapnel schema > grapnel.schema.json`
}

// Run is called by kong.
func (*schema) Run(t *terminal) error {
	text, err := config.Schema(app.Catalog())
	if err != nil {
		return err
	}
	_, err = t.out.Write(text)
	return err
}
