package config

import (
	_ "embed" // the doc comments
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grapnel-dev/grapnel/internal/config/decode"
	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/units"
)

// Everything about a key is declared once, at the field of its struct: the schema and the reference page are made from
// there.
//
//go:generate go run ../tools/fielddocs .. docs.json
//go:generate go run ../tools/reference ../../docs/reference

//go:embed docs.json
var docsJSON []byte

// property is what is known about a key.
type property struct {
	decode.Field

	Doc     string
	Default any // as it would be written; nil when there is none
}

// describer knows the doc comments.
type describer struct{ docs map[string]string }

func newDescriber() (describer, error) {
	var d describer
	if err := json.Unmarshal(docsJSON, &d.docs); err != nil {
		return d, fmt.Errorf("embedded doc comments: %w", err)
	}
	return d, nil
}

// properties lists the keys of a struct that holds its defaults.
func (d describer) properties(v reflect.Value) []property {
	v = reflect.Indirect(v)
	var all []property
	for _, f := range decode.Fields(v.Type()) {
		all = append(all, property{Field: f, Doc: d.field(f), Default: defaultOf(v.FieldByIndex(f.Index))})
	}
	return all
}

// defaultOf gives a default worth mentioning: one that is not zero, or that turns something off.
func defaultOf(v reflect.Value) any {
	kind := v.Kind()
	if structural(v.Type()) || v.IsZero() && kind != reflect.Bool {
		return nil
	}
	return encoder{}.value(v)
}

// structural says whether a type has keys of its own, whose defaults stand there.
func structural(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && !decode.IsText(t)
}

// field is the comment of a field without the Go name it begins with: "MaxBody is the largest body." is about the key
// max_body, so only "The largest body." is left.
func (d describer) field(f decode.Field) string {
	doc, about := strings.CutPrefix(d.docs[typeName(f.Owner)+"."+f.Name], f.Name)
	switch {
	case strings.HasPrefix(doc, " is "), strings.HasPrefix(doc, " are "):
		_, doc, _ = strings.Cut(doc[1:], " ")
	case strings.HasPrefix(doc, ", "):
		return f.Key + doc
	case about:
		doc = strings.TrimPrefix(doc, " ")
	}
	first, size := utf8.DecodeRuneInString(doc)
	return string(unicode.ToUpper(first)) + doc[size:]
}

// about is the comment of a type, speaking of the key instead of the Go name.
func (d describer) about(t reflect.Type, key string) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	doc := d.docs[typeName(t)]
	if rest, ok := strings.CutPrefix(doc, t.Name()+" "); ok {
		return key + " " + rest
	}
	return doc
}

// typeName is how fielddocs calls a type: its folder below internal and its name.
func typeName(t reflect.Type) string {
	_, folder, _ := strings.Cut(t.PkgPath(), "/internal/")
	return folder + "." + t.Name()
}

// shape is what may be written for a type, in words.
func shape(f decode.Field) string {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case f.Enum != nil && t.Kind() == reflect.String:
		return strings.Join(f.Enum, ", ")
	case t == reflect.TypeFor[secret.Value]():
		return "secret"
	case t == reflect.TypeFor[units.Duration]():
		return "duration"
	case t == reflect.TypeFor[units.Size]():
		return "size"
	case decode.IsText(t):
		return "text"
	}
	return shapeOfKind(t, f)
}

func shapeOfKind(t reflect.Type, f decode.Field) string {
	switch kind := t.Kind(); {
	case kind == reflect.Bool:
		return "true, false"
	case kind == reflect.Slice:
		return "list: " + shape(decode.Field{Type: t.Elem(), Enum: f.Enum})
	case kind == reflect.Map:
		return "object: name to " + shape(decode.Field{Type: t.Elem(), Enum: f.Enum})
	case kind == reflect.String:
		return "text"
	case kind == reflect.Float32 || kind == reflect.Float64:
		return "number"
	case slices.Contains([]reflect.Kind{reflect.Struct, reflect.Interface}, kind):
		return "object"
	default:
		return "whole number"
	}
}

// moduleNamesOf lists all names of a module.
func moduleNamesOf(m destination.Module) []string { return append([]string{m.Name}, m.Aliases...) }
