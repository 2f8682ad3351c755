package document

import (
	"regexp"
	"strings"
)

var (
	// wholeVariable is a text that is one variable and nothing else: its default may have } in it.
	wholeVariable = regexp.MustCompile(`(?s)^\{\$(\w+):(.*)\}$`)
	variable      = regexp.MustCompile(`\{\$(\w+)(?::([^}]*))?\}`)
	vault         = regexp.MustCompile(`\{\$vault:`)
)

// Expand gives the tree with {$VAR} and {$VAR:default} replaced in every string; keys are left alone. Values are taken
// verbatim and not expanded again. A variable that is not set and has no default is a problem, and empty in the tree.
func Expand(root *Node, getenv func(name string) (string, bool)) (*Node, Problems) {
	e := &expander{getenv: getenv}
	return e.node(root, ""), e.problems
}

type expander struct {
	getenv   func(string) (string, bool)
	problems Problems
}

func (e *expander) node(n *Node, path string) *Node {
	out := *n
	switch n.Kind {
	case String:
		e.text(&out, path)
	case Sequence:
		out.Items = make([]*Node, len(n.Items))
		for i, item := range n.Items {
			out.Items[i] = e.node(item, Index(path, i))
		}
	case Mapping:
		out.Entries = make([]Entry, len(n.Entries))
		for i, entry := range n.Entries {
			entry.Value = e.node(entry.Value, Join(path, entry.Key))
			out.Entries[i] = entry
		}
	case Null, Bool, Number:
	}
	return &out
}

func (e *expander) text(n *Node, path string) {
	if !strings.Contains(n.Text, "{$") {
		return
	}
	n.Written = n.Text
	if vault.MatchString(n.Text) {
		e.problems.Add(n.Place, path, "{$vault:…} is not supported: mount the secret as a file and write file:/path, or use {$VAR}")
		return
	}
	if m := wholeVariable.FindStringSubmatch(n.Text); m != nil && !strings.Contains(m[2], "{$") {
		n.Text = e.value(n, path, m[1], m[2], true)
		return
	}
	if strings.Contains(variable.ReplaceAllString(n.Text, ""), "{$") {
		e.problems.Add(n.Place, path, "has {$ without a variable: want {$NAME} or {$NAME:default}")
	}
	n.Text = variable.ReplaceAllStringFunc(n.Text, func(found string) string {
		m := variable.FindStringSubmatch(found)
		return e.value(n, path, m[1], m[2], strings.Contains(found, ":"))
	})
}

func (e *expander) value(n *Node, path, name, fallback string, hasFallback bool) string {
	value, set := e.getenv(name)
	switch {
	case set:
		return value
	case hasFallback:
		return fallback
	}
	e.problems.Add(n.Place, path, "the variable %s is not set: set it, or write {$%s:default}", name, name)
	return ""
}
