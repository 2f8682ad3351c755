package cli

import (
	"errors"

	"github.com/grapnel-dev/grapnel/internal/config"
)

// check says whether a configuration is right.
type check struct {
	source
	output
}

// Help is shown by kong.
func (*check) Help() string {
	return `Nothing is opened but the files, so it can run where the destinations cannot be reached. It ends with 0 when the
configuration is right (warnings are no errors) and with 2 when it is not.

Examples:

    grapnel check --config grapnel.yaml
    grapnel check --webhooks webhooks.json --connections connections.json --output json`
}

// verdict is the result of a check, for programs.
type verdict struct {
	Valid        bool      `json:"valid"`
	Webhooks     int       `json:"webhooks"`
	Destinations int       `json:"destinations"`
	Errors       []finding `json:"errors"`
	Warnings     []finding `json:"warnings"`
}

// finding is one error or warning at its place.
type finding struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
}

// Run is called by kong.
func (c *check) Run(t *terminal) error {
	loaded, err := c.load()
	problems, ok := errors.AsType[config.Problems](err)
	if err != nil && !ok {
		return err
	}
	result := judge(loaded, problems)
	if printErr := c.print(t, result, func() { c.text(t, loaded, result) }); printErr != nil {
		return printErr
	}
	if err != nil && c.Output == "json" {
		return usageError{errNegative}
	}
	return err
}

func (c *check) text(t *terminal, loaded *config.Config, result verdict) {
	if !result.Valid {
		return // the errors are the error of the command
	}
	for _, warning := range loaded.Warnings {
		t.printf("%s %s\n", t.paint(yellow, "warning:"), clean(warning.String(), ""))
	}
	t.printf("%s %s, %s, %s\n", t.paint(green, "OK:"), count(result.Webhooks, "webhook"),
		count(result.Destinations, "destination"), count(len(result.Warnings), "warning"))
}

func judge(loaded *config.Config, problems config.Problems) verdict {
	result := verdict{Valid: loaded != nil, Errors: findings(problems), Warnings: []finding{}}
	if loaded == nil {
		return result
	}
	result.Webhooks, result.Warnings = len(loaded.Webhooks), findings(loaded.Warnings)
	for _, webhook := range loaded.Webhooks {
		result.Destinations += len(webhook.Steps)
	}
	return result
}

func findings(problems config.Problems) []finding {
	list := make([]finding, len(problems))
	for i, p := range problems {
		list[i] = finding{p.Place.File, p.Place.Line, p.Place.Column, p.Path, p.Message}
	}
	return list
}
