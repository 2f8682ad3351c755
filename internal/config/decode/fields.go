package decode

import (
	"encoding"
	"reflect"
	"strings"
)

// Field is one key of a configuration struct, as its tags declare it.
type Field struct {
	Key      string
	Type     reflect.Type
	Index    []int // for reflect.Value.FieldByIndex
	Required bool
	Enum     []string // the values that a text may have; nil: any
	Min, Max string   // the bounds of a number, duration or size; empty: none
	// Owner and Name say where the field is declared, for its doc comment.
	Owner reflect.Type
	Name  string
}

// Fields lists the keys of a struct (or of a pointer to one) in the order of their declaration, those of inlined
// structs among them. Anything else has none.
func Fields(t reflect.Type) []Field {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var fields []Field
	for f := range t.Fields() {
		key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			for _, inner := range Fields(f.Type) {
				inner.Index = append([]int{f.Index[0]}, inner.Index...)
				fields = append(fields, inner)
			}
		case key != "" && key != "-":
			fields = append(fields, field(t, f, key))
		}
	}
	return fields
}

func field(owner reflect.Type, f reflect.StructField, key string) Field {
	field := Field{Key: key, Type: f.Type, Index: f.Index, Owner: owner, Name: f.Name, Required: f.Tag.Get("required") == "true"}
	field.Min, field.Max, _ = strings.Cut(f.Tag.Get("range"), "..")
	if enum := f.Tag.Get("enum"); enum != "" {
		field.Enum = strings.Split(enum, "|")
	}
	return field
}

// Keys lists the keys of a struct.
func Keys(t reflect.Type) []string {
	var keys []string
	for _, f := range Fields(t) {
		keys = append(keys, f.Key)
	}
	return keys
}

// IsText says whether a type reads itself from a text, as durations, sizes and secrets do.
func IsText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
