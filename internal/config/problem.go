package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/config/document"
)

// Problem is one thing that is wrong, or that a person should look at: where, at which key, what and what to do.
type Problem struct {
	Place   document.Place
	Path    string // of the key: "webhooks.orders.retry.max_attempts"; empty for the whole file
	Message string
}

// String is one line: "grapnel.yaml:12:5: webhooks.orders.retry.max_attempts: 5000 is out of range: want 1..1000".
func (p Problem) String() string {
	if p.Path == "" {
		return p.Place.String() + ": " + p.Message
	}
	return p.Place.String() + ": " + p.Path + ": " + p.Message
}

// Problems are all that was found, in the order of the files. It is the error of Load.
type Problems []Problem

// Error is one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sorted gives the problems in the order of the files, each one once.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Place.File, b.Place.File), cmp.Compare(a.Place.Line, b.Place.Line),
			cmp.Compare(a.Place.Column, b.Place.Column), cmp.Compare(a.Path, b.Path),
		)
	})
	return slices.Compact(ps)
}
