package decode

import (
	"encoding"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/config/document"
	"github.com/grapnel-dev/grapnel/internal/secret"
)

// value reads a node into v, which f describes.
func (d *Decoder) value(n *document.Node, path string, v reflect.Value, f Field) {
	switch {
	case v.Type() == reflect.TypeFor[*document.Node]():
		v.Set(reflect.ValueOf(n))
	case n.Kind == document.Null: // as good as not written
	case v.Kind() == reflect.Pointer:
		d.pointer(n, path, v, f)
	case IsText(v.Type()):
		d.text(n, path, v, f)
	default:
		d.kind(n, path, v, f)
	}
}

func (d *Decoder) pointer(n *document.Node, path string, v reflect.Value, f Field) {
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	d.value(n, path, v.Elem(), f)
}

func (d *Decoder) kind(n *document.Node, path string, v reflect.Value, f Field) {
	switch v.Kind() {
	case reflect.Struct:
		d.Mapping(n, path, v.Addr().Interface())
	case reflect.Map:
		d.mapOf(n, path, v, f)
	case reflect.Slice:
		d.slice(n, path, v, f)
	case reflect.Interface:
		v.Set(reflect.ValueOf(Plain(n)))
	default:
		d.scalar(n, path, v, f)
	}
}

func (d *Decoder) slice(n *document.Node, path string, v reflect.Value, f Field) {
	items := n.Items
	switch {
	case n.Scalar() || n.Kind == document.Mapping && holdsStructs(v.Type()):
		items = []*document.Node{n}
	case n.Kind != document.Sequence:
		d.mismatch(n, path, "a list", v.Type())
		return
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		d.value(item, document.Index(path, i), list.Index(i), f)
	}
	v.Set(list)
}

func holdsStructs(list reflect.Type) bool {
	elem := list.Elem()
	if elem.Kind() == reflect.Pointer {
		elem = elem.Elem()
	}
	return elem.Kind() == reflect.Struct && !IsText(elem)
}

func (d *Decoder) mapOf(n *document.Node, path string, v reflect.Value, f Field) {
	if n.Kind != document.Mapping {
		d.mismatch(n, path, "an object", v.Type())
		return
	}
	entries := reflect.MakeMapWithSize(v.Type(), len(n.Entries))
	for _, e := range n.Entries {
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(e.Value, document.Join(path, e.Key), value, f)
		entries.SetMapIndex(reflect.ValueOf(e.Key).Convert(v.Type().Key()), value)
	}
	v.Set(entries)
}

// text lets a type read itself.
func (d *Decoder) text(n *document.Node, path string, v reflect.Value, f Field) {
	if !n.Scalar() {
		d.mismatch(n, path, "a text", v.Type())
		return
	}
	if err := unmarshal(v, n.Text); err != nil {
		d.Problems.Add(n.Place, path, "%s", reason(n, v.Type(), err))
		return
	}
	d.check(n, path, v, f)
}

func unmarshal(v reflect.Value, text string) error {
	u, _ := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	return u.UnmarshalText([]byte(text))
}

// reason says why a text is refused without the value of a variable in it: types quote what they cannot read, so the
// refusal is asked for again with what stands in the file.
func reason(n *document.Node, t reflect.Type, err error) string {
	if !n.Variable() {
		return err.Error()
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Sprintf("the file that %s names: %v", n.Written, e.Err)
	}
	if t != reflect.TypeFor[secret.Value]() {
		if err := unmarshal(reflect.New(t).Elem(), n.Written); err != nil {
			return err.Error()
		}
	}
	return fmt.Sprintf("the value of %s is not allowed here", n.Written)
}

// scalar reads booleans, numbers and texts.
func (d *Decoder) scalar(n *document.Node, path string, v reflect.Value, f Field) {
	want, ok := "a text", n.Scalar()
	text := strings.TrimSpace(n.Text)
	switch k := v.Kind(); {
	case !ok:
		want = nameOf(v.Type())
	case k == reflect.String:
		v.SetString(n.Text)
	case k == reflect.Bool:
		want = "true or false"
		var b bool
		b, ok = parseBool(text)
		v.SetBool(b)
	case v.CanInt():
		want = "a whole number"
		ok = setInt(v, text)
	case v.CanUint():
		want = "a whole number, not negative"
		ok = setUint(v, text)
	case v.CanFloat():
		want = "a number"
		ok = setFloat(v, text)
	default:
		panic(fmt.Sprintf("decode: a configuration cannot have a %s", v.Type()))
	}
	if !ok {
		d.mismatch(n, path, want, v.Type())
		return
	}
	d.check(n, path, v, f)
}

// parseBool takes the words that variables and YAML 1.1 have for it.
func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, true
	case "false", "no", "off", "0":
		return false, true
	default:
		return false, false
	}
}

func setInt(v reflect.Value, text string) bool {
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		i, err = strconv.ParseInt(text, 0, 64) // 0x1F, 1_000
	}
	if f, ferr := strconv.ParseFloat(text, 64); err != nil && ferr == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		i, err = int64(f), nil // 30.0, 1e3
	}
	if err != nil || v.OverflowInt(i) {
		return false
	}
	v.SetInt(i)
	return true
}

func setUint(v reflect.Value, text string) bool {
	u, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		u, err = strconv.ParseUint(text, 0, 64)
	}
	if err != nil || v.OverflowUint(u) {
		return false
	}
	v.SetUint(u)
	return true
}

func setFloat(v reflect.Value, text string) bool {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return false
	}
	v.SetFloat(f)
	return true
}

// check holds a value against its tags.
func (d *Decoder) check(n *document.Node, path string, v reflect.Value, f Field) {
	if f.Enum != nil && v.Kind() == reflect.String && !slices.Contains(f.Enum, v.String()) {
		hint := ""
		if nearest := Nearest(n.Shown(), f.Enum); nearest != "" && !n.Variable() {
			hint = fmt.Sprintf(": did you mean %q?", nearest)
		}
		d.Problems.Add(n.Place, path, "%q is not one of %s%s", n.Shown(), strings.Join(f.Enum, ", "), hint)
	}
	if number, ok := Number(v); ok && !within(number, v.Type(), f) {
		d.Problems.Add(n.Place, path, "%s is out of range: want %s", n.Shown(), bounds(f))
	}
}

// Number gives what a range is about: a number, or a duration or size as one.
func Number(v reflect.Value) (float64, bool) {
	switch {
	case v.CanInt():
		return float64(v.Int()), true
	case v.CanUint():
		return float64(v.Uint()), true
	case v.CanFloat():
		return v.Float(), true
	default:
		return 0, false
	}
}

func within(number float64, t reflect.Type, f Field) bool {
	lowest, hasLowest := Bound(f.Min, t)
	highest, hasHighest := Bound(f.Max, t)
	return (!hasLowest || number >= lowest) && (!hasHighest || number <= highest)
}

// Bound reads one end of a range as a value of the type it bounds.
func Bound(text string, t reflect.Type) (float64, bool) {
	if text == "" {
		return 0, false
	}
	v := reflect.New(t).Elem()
	if IsText(t) && unmarshal(v, text) == nil {
		return Number(v)
	}
	number, err := strconv.ParseFloat(text, 64)
	return number, err == nil
}

func bounds(f Field) string {
	switch {
	case f.Max == "":
		return "at least " + f.Min
	case f.Min == "":
		return "at most " + f.Max
	default:
		return f.Min + ".." + f.Max
	}
}

func (d *Decoder) mismatch(n *document.Node, path, want string, t reflect.Type) {
	d.Problems.Add(n.Place, path, "want %s, got %s", want, describe(n, t))
}

// describe names what stands there; a text is quoted unless it may be a secret.
func describe(n *document.Node, t reflect.Type) string {
	if !n.Scalar() || t == nil || t == reflect.TypeFor[secret.Value]() {
		return n.Kind.String()
	}
	if n.Kind == document.String {
		return strconv.Quote(n.Shown())
	}
	return n.Shown()
}

// nameOf says in the reader's words what a type is.
func nameOf(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String:
		return "a text"
	default:
		return "a number"
	}
}

// Plain gives the values of a node as encoding/json would: for what is passed on as it is.
func Plain(n *document.Node) any {
	switch n.Kind {
	case document.Bool:
		return n.Text == "true"
	case document.Number:
		if f, err := strconv.ParseFloat(n.Text, 64); err == nil {
			return f
		}
		return n.Text
	case document.String:
		return n.Text
	case document.Sequence:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = Plain(item)
		}
		return list
	case document.Mapping:
		object := make(map[string]any, len(n.Entries))
		for _, e := range n.Entries {
			object[e.Key] = Plain(e.Value)
		}
		return object
	case document.Null:
	}
	return nil
}
