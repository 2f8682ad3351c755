package document

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong, or that a person should look at: where, at which key, what and what to do. It
// never shows a secret or the value of a variable.
type Problem struct {
	Place   Place
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

// Problems are all that was found. As an error it is one line for each.
type Problems []Problem //nolint:errname // it is a list first, also of warnings

// Add notes one more.
func (ps *Problems) Add(at Place, path, format string, args ...any) {
	*ps = append(*ps, Problem{Place: at, Path: path, Message: fmt.Sprintf(format, args...)})
}

// Error is one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Sorted gives the problems in the order of the files. What is said about one place twice is kept once.
func (ps Problems) Sorted() Problems {
	sorted := slices.SortedStableFunc(slices.Values(ps), func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Place.File, b.Place.File), cmp.Compare(a.Place.Line, b.Place.Line),
			cmp.Compare(a.Place.Column, b.Place.Column), cmp.Compare(a.Message, b.Message), cmp.Compare(a.Path, b.Path),
		)
	})
	return slices.CompactFunc(sorted, func(a, b Problem) bool { return a.Place == b.Place && a.Message == b.Message })
}

// Beyond gives the problems that do not just follow from some others: those at other values, and not at what holds them.
func (ps Problems) Beyond(others Problems) Problems {
	follows := func(p Problem) bool {
		return slices.ContainsFunc(others, func(o Problem) bool {
			return p.Place == o.Place || within(o.Path, p.Path)
		})
	}
	return slices.DeleteFunc(slices.Clone(ps), follows)
}

// within says whether a path is another one, or leads through it.
func within(path, holder string) bool {
	rest, ok := strings.CutPrefix(path, holder)
	return ok && (holder == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// Err is the problems as an error, nil when there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps.Sorted()
}
