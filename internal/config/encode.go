package config

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"

	"github.com/grapnel-dev/grapnel/internal/config/decode"
	"github.com/grapnel-dev/grapnel/internal/config/document"
	"github.com/grapnel-dev/grapnel/internal/secret"
)

// Redacted is the effective configuration, defaults included, as a value that encoding/json writes. Secrets are
// "[redacted]"; a value that came from a variable stands there as it was written, {$VAR}.
func (c *Config) Redacted() any {
	all := redacted(*c, c.source).(map[string]any) //nolint:forcetypeassert // a struct
	webhooks := map[string]any{}
	for id, w := range c.Webhooks {
		webhooks[id] = w.redacted()
	}
	all["webhooks"] = webhooks
	return all
}

func (w *Webhook) redacted() any {
	all := redacted(*w, w.node).(map[string]any) //nolint:forcetypeassert // a struct
	for _, v := range w.Verifiers {
		all[v.Name] = redacted(v.Config, v.node)
	}
	if w.RequestLimit != nil {
		all["rate_limit"] = redacted(w.RequestLimit, w.node.Find("rate_limit"))
	}
	var steps []any
	for _, s := range w.Steps {
		step := redacted(s, s.node).(map[string]any) //nolint:forcetypeassert // a struct
		step["name"], step["module"], step["destination"] = s.Name, s.Module, s.Destination
		step["module-config"] = redacted(s.Config, s.configNode)
		steps = append(steps, step)
	}
	all["chain"], all["rule"] = steps, w.Chain.String()
	return all
}

// Fingerprint changes when anything about the destination does, secrets included: a reload replaces the destinations
// whose fingerprint is another. It is not for showing.
func (s *Step) Fingerprint() string {
	e := encoder{reveal: true}
	whole := []any{s.Destination, s.Module, e.value(reflect.ValueOf(*s)), e.value(reflect.ValueOf(s.Config))}
	text, err := json.Marshal(whole)
	if err != nil {
		panic(fmt.Sprintf("config: fingerprint of %s: %v", s.Destination, err)) // encode makes nothing json cannot write
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// encoder writes a configuration struct as maps, lists and texts, with the keys of the file.
type encoder struct{ reveal bool }

func redacted(v any, n *document.Node) any { return veil(encoder{}.value(reflect.ValueOf(v)), n) }

func (e encoder) value(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return e.value(v.Elem())
	default:
	}
	switch x := v.Interface().(type) {
	case secret.Value:
		return e.secret(x)
	case encoding.TextMarshaler:
		return text(x)
	}
	switch v.Kind() {
	case reflect.Struct:
		return e.object(v)
	case reflect.Map:
		return e.entries(v)
	case reflect.Slice, reflect.Array:
		return e.list(v)
	case reflect.String:
		return e.text(v.String())
	default:
		return v.Interface()
	}
}

func (e encoder) secret(v secret.Value) string {
	if e.reveal {
		return v.Reveal()
	}
	return v.String()
}

// text hides the password that an address may have in it.
func (e encoder) text(s string) string {
	u, err := url.Parse(s)
	if e.reveal || err != nil || u.User == nil {
		return s
	}
	return u.Redacted()
}

func text(m encoding.TextMarshaler) string {
	text, err := m.MarshalText()
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (e encoder) object(v reflect.Value) any {
	object := map[string]any{}
	for _, f := range decode.Fields(v.Type()) {
		object[f.Key] = e.value(v.FieldByIndex(f.Index))
	}
	return object
}

func (e encoder) entries(v reflect.Value) any {
	object := map[string]any{}
	for key, value := range v.Seq2() {
		object[fmt.Sprint(key.Interface())] = e.value(value)
	}
	return object
}

func (e encoder) list(v reflect.Value) any {
	list := make([]any, v.Len())
	for i := range list {
		list[i] = e.value(v.Index(i))
	}
	return list
}

// veil puts what was written, {$VAR}, in place of what came from a variable. Not only secrets come from variables: an
// address may be one.
func veil(value any, n *document.Node) any {
	switch {
	case n == nil:
	case n.Variable() && value != secret.Redacted:
		return n.Written
	case n.Kind == document.Mapping:
		if object, ok := value.(map[string]any); ok {
			for key := range object {
				object[key] = veil(object[key], n.Find(key))
			}
		}
	case n.Kind == document.Sequence:
		if list, ok := value.([]any); ok {
			for i := range min(len(list), len(n.Items)) {
				list[i] = veil(list[i], n.Items[i])
			}
		}
	}
	return value
}
