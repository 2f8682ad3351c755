// Package decode reads document nodes into structs whose tags declare what is allowed, and gathers everything that is
// wrong with its place.
//
// It knows nothing of what the keys mean. The tags:
//
//	yaml:"key"          the key; ",inline" takes in the keys of a struct; "-" or no tag is no key
//	range:"1..1000"     bounds of a number, duration or size; either may be missing
//	enum:"a|b"          the values of a text
//	required:"true"     the key must be written, and not empty
//
// A type with UnmarshalText reads any scalar. A number or boolean may be written as a text, since that is what comes out
// of variables; a scalar where a list is wanted is a list of one; null is as good as not written. The value that a field
// has before is its default. A Validate method checks values together: when its error begins with "key: ", it is shown
// at that key.
package decode

import (
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/config/document"
)

// Decoder reads nodes and remembers what is wrong with them. The zero Decoder is strict.
type Decoder struct {
	// Lenient makes unknown keys warnings, and keys that begin with _ comments.
	Lenient bool
	// Partial leaves out what can be judged only when everything is there: required keys and Validate.
	Partial bool

	Problems, Warnings document.Problems
}

// Raw stands for keys that are taken as they are: it has them beforehand, with nil, and the nodes that were found
// afterwards.
type Raw map[string]*document.Node

// Decode reads a node into what target points to. A nil node is as good as an empty object.
func (d *Decoder) Decode(n *document.Node, path string, target any) {
	if n == nil {
		n = &document.Node{Kind: document.Mapping}
	}
	before, v := len(d.Problems), reflect.ValueOf(target).Elem()
	d.value(n, path, v, Field{})
	judged := v.Kind() == reflect.Struct && !IsText(v.Type())
	if !judged && !d.Partial && len(d.Problems) == before {
		d.Refuse(n, path, validate(target))
	}
}

// Mapping reads a mapping whose keys belong to several targets: pointers to structs, and Raw.
func (d *Decoder) Mapping(n *document.Node, path string, targets ...any) {
	if n.Kind != document.Mapping {
		d.Problems.Add(n.Place, path, "want an object, got %s", describe(n, nil))
		return
	}
	before := len(d.Problems)
	known := d.entries(n, path, targets)
	d.unknown(n, path, known)
	if d.Partial {
		return
	}
	for _, target := range targets {
		if _, raw := target.(Raw); !raw {
			d.missing(n, path, reflect.ValueOf(target).Elem())
			d.together(n, path, validate(target), before)
		}
	}
}

// together notes what Validate says, unless it may only follow from what has been noted since before: about the same
// key, or about the whole.
func (d *Decoder) together(n *document.Node, path string, err error, before int) {
	noted := d.Problems[before:]
	for _, err := range split(err) {
		about := place(n, path, err)
		follows := slices.ContainsFunc(noted, func(p document.Problem) bool { return strings.HasPrefix(p.Path, about.Path) })
		if !follows {
			d.Problems = append(d.Problems, about)
		}
	}
}

// entries reads the entries that a target knows, and gives all keys that could have been written.
func (d *Decoder) entries(n *document.Node, path string, targets []any) (known []string) {
	for _, target := range targets {
		if raw, ok := target.(Raw); ok {
			for key := range raw {
				raw[key] = n.Find(key)
				known = append(known, key)
			}
			continue
		}
		v := reflect.ValueOf(target).Elem()
		for _, f := range Fields(v.Type()) {
			known = append(known, f.Key)
			if value := n.Find(f.Key); value != nil {
				d.value(value, document.Join(path, f.Key), v.FieldByIndex(f.Index), f)
			}
		}
	}
	slices.Sort(known)
	return known
}

func (d *Decoder) unknown(n *document.Node, path string, known []string) {
	for _, e := range n.Entries {
		if slices.Contains(known, e.Key) || d.Lenient && strings.HasPrefix(e.Key, "_") {
			continue
		}
		d.Unknown(e.Place, document.Join(path, e.Key), "unknown key%s", DidYouMean(e.Key, known))
	}
}

// Unknown notes something that a strict configuration must not have and a lenient one may.
func (d *Decoder) Unknown(at document.Place, path, format string, args ...any) {
	if d.Lenient {
		d.Warnings.Add(at, path, format, args...)
		return
	}
	d.Problems.Add(at, path, format, args...)
}

func (d *Decoder) missing(n *document.Node, path string, v reflect.Value) {
	for _, f := range Fields(v.Type()) {
		if !f.Required {
			continue
		}
		value := n.Find(f.Key)
		switch {
		case value == nil && !v.FieldByIndex(f.Index).IsZero(): // it has a default
		case value == nil || value.Kind == document.Null:
			d.Problems.Add(n.Place, document.Join(path, f.Key), "is required")
		case value.Kind == document.String && value.Text == "":
			d.Problems.Add(value.Place, document.Join(path, f.Key), "is required: it must not be empty")
		}
	}
}

// validate asks the target whether its values go together.
func validate(target any) error {
	if v, ok := target.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// Refuse notes an error about the values of a node; several when they were joined.
func (d *Decoder) Refuse(n *document.Node, path string, err error) {
	for _, err := range split(err) {
		d.Problems = append(d.Problems, place(n, path, err))
	}
}

var leadingKey = regexp.MustCompile(`^([a-z][a-z0-9_-]*): `)

// place gives an error its place. One that begins with a key is about that key. The values of variables are taken out
// of its text.
func place(n *document.Node, path string, err error) document.Problem {
	problem := document.Problem{Place: n.Place, Path: path, Message: hideVariables(n, err.Error())}
	m := leadingKey.FindStringSubmatch(problem.Message)
	if m == nil {
		return problem
	}
	problem.Path, problem.Message = document.Join(path, m[1]), problem.Message[len(m[0]):]
	if i := slices.IndexFunc(n.Entries, func(e document.Entry) bool { return e.Key == m[1] }); i >= 0 {
		problem.Place = n.Entries[i].Value.Place
	}
	return problem
}

func hideVariables(n *document.Node, message string) string {
	if n.Variable() && n.Text != "" {
		message = strings.ReplaceAll(message, strconv.Quote(n.Text), strconv.Quote(n.Written))
		message = strings.ReplaceAll(message, n.Text, n.Written)
	}
	for _, item := range n.Items {
		message = hideVariables(item, message)
	}
	for _, e := range n.Entries {
		message = hideVariables(e.Value, message)
	}
	return message
}

// split takes joined errors apart.
func split(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, split(e)...)
		}
		return all
	}
	return []error{err}
}
