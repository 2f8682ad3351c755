package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/grapnel-dev/grapnel/internal/config/decode"
	"github.com/grapnel-dev/grapnel/internal/config/document"
	"github.com/grapnel-dev/grapnel/internal/secret"
)

// object is a JSON Schema, or a part of one.
type object = map[string]any

// Schema is the JSON Schema (draft 2020-12) of a whole configuration, for editors. It allows {$VAR} wherever a value may
// come from a variable.
func Schema(cat Catalog) ([]byte, error) {
	d, err := newDescriber()
	if err != nil {
		return nil, err
	}
	s := schemer{describer: d, catalog: cat}
	text, err := json.MarshalIndent(s.root(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return append(text, '\n'), nil
}

type schemer struct {
	describer

	catalog Catalog
}

func (s schemer) root() object {
	root := s.structure(reflect.ValueOf(Default()), true)
	properties := root["properties"].(object) //nolint:forcetypeassert // structure made it
	properties["connections"] = object{
		"description": "The connections by name: what several destinations share.", "type": "object", "additionalProperties": ref("connection"),
	}
	properties["webhooks"] = object{
		"description": "The endpoints by id: orders is POST /webhook/orders, shop/orders has a namespace, default takes what no other one has.",
		"type":        "object", "additionalProperties": ref("webhook"),
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Configuration of Grapnel"
	root["$defs"] = s.definitions()
	return root
}

func (s schemer) definitions() object {
	definitions := object{"webhook": s.webhook(), "step": s.step(), "connection": s.connection()}
	for _, m := range s.catalog.Modules {
		definitions["module."+m.Name] = s.structure(reflect.ValueOf(m.Config()), false)
	}
	return definitions
}

func ref(name string) object { return object{"$ref": "#/$defs/" + name} }

func (s schemer) webhook() object {
	schema := s.structure(reflect.ValueOf(webhookKeys{Webhook: defaultWebhook(), ChainConfig: defaultChain()}), true)
	properties := schema["properties"].(object) //nolint:forcetypeassert // structure made it
	step := s.stepProperties()
	step["rate_limit"] = object{"anyOf": []any{
		step["rate_limit"], s.structure(reflect.ValueOf(RequestLimit{MaxRequests: 100, Window: seconds(60)}), true),
	}}
	maps.Copy(properties, step)
	for _, m := range s.catalog.Methods {
		method := s.of(decode.Field{Type: reflect.TypeOf(m.Config()).Elem()}, reflect.ValueOf(m.Config()).Elem())
		method["description"] = s.about(reflect.TypeOf(m.Config()), m.Name)
		properties[m.Name] = method
	}
	properties["chain"] = object{
		"description": "The steps, when there is more than one: each the name of a module, or an object with the keys of a step. They inherit the webhook's.",
		"type":        "array", "minItems": 1, "maxItems": 20, "items": object{"anyOf": []any{s.moduleName(), ref("step")}},
	}
	schema["anyOf"] = []any{object{"required": []string{"module"}}, object{"required": []string{"chain"}}}
	schema["allOf"] = s.perModule()
	return schema
}

func (s schemer) step() object {
	return object{
		"type": "object", "properties": s.stepProperties(), "additionalProperties": false,
		"required": []string{"module"}, "allOf": s.perModule(),
	}
}

func (s schemer) stepProperties() object {
	keys := s.structure(reflect.ValueOf(stepKeys{Step: defaultStep()}), true)
	properties := keys["properties"].(object) //nolint:forcetypeassert // structure made it
	name := s.moduleName()
	name["description"] = properties["module"].(object)["description"] //nolint:forcetypeassert // structure made it
	properties["module"] = name
	properties["module-config"].(object)["type"] = "object" //nolint:forcetypeassert // structure made it
	for _, key := range moduleKeys() {
		properties[key] = object{"description": "The module's key " + key + ", which may also stand here.", "deprecated": true}
	}
	return properties
}

func (s schemer) moduleName() object {
	var names []string
	for _, m := range s.catalog.Modules {
		names = append(names, moduleNamesOf(m)...)
	}
	return orVariable(object{"enum": names})
}

// perModule says what module-config is for each module.
func (s schemer) perModule() []any {
	var rules []any
	for _, m := range s.catalog.Modules {
		rules = append(rules, when("module", moduleNamesOf(m), object{"properties": object{"module-config": ref("module." + m.Name)}}))
	}
	return rules
}

func when(key string, values []string, then object) object {
	return object{"if": object{"required": []string{key}, "properties": object{key: object{"enum": values}}}, "then": then}
}

// connection has for each type the keys of the modules that take it.
func (s schemer) connection() object {
	types := map[string]object{}
	for _, m := range s.catalog.Modules {
		for _, t := range m.ConnectionTypes {
			if types[t] == nil {
				types[t] = object{"type": object{}}
			}
			maps.Copy(types[t], s.structure(reflect.ValueOf(m.Config()), false)["properties"].(object)) //nolint:forcetypeassert // structure made it
		}
	}
	names := slices.Sorted(maps.Keys(types))
	rules := []any{}
	for _, t := range names {
		rules = append(rules, when("type", []string{t}, object{"properties": types[t], "additionalProperties": false}))
	}
	return object{
		"type": "object", "required": []string{"type"}, "allOf": rules,
		"properties": object{"type": object{"description": "Which modules the connection is for.", "enum": append(names, "")}},
	}
}

// structure is the schema of a struct that holds its defaults. whole says that required keys must be there: those of a
// module may also come from elsewhere.
func (s schemer) structure(v reflect.Value, whole bool) object {
	v = reflect.Indirect(v)
	properties, required := object{}, []string{}
	for _, p := range s.properties(v) {
		schema := s.of(p.Field, v.FieldByIndex(p.Index))
		if p.Doc != "" {
			schema["description"] = p.Doc
		}
		if p.Default != nil {
			schema["default"] = p.Default
		}
		properties[p.Key] = schema
		if p.Required && p.Default == nil {
			required = append(required, p.Key)
		}
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	if whole && len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

// of is the schema of a value that f describes; v holds its default.
func (s schemer) of(f decode.Field, v reflect.Value) object {
	t := f.Type
	switch {
	case t == reflect.TypeFor[*document.Node]() || t.Kind() == reflect.Interface:
		return object{}
	case t.Kind() == reflect.Pointer:
		f.Type = t.Elem()
		return s.of(f, reflect.New(f.Type).Elem())
	case decode.IsText(t):
		return textSchema(f)
	}
	element := func() object {
		f.Type = t.Elem()
		return s.of(f, reflect.New(f.Type).Elem())
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.structure(v, true)
	case reflect.Map:
		return object{"type": "object", "additionalProperties": element()}
	case reflect.Slice:
		one := element()
		return object{"anyOf": []any{object{"type": "array", "items": one}, one}}
	default:
		return scalarSchema(f)
	}
}

// textSchema is for types that read themselves.
func textSchema(f decode.Field) object {
	if f.Type == reflect.TypeFor[secret.Value]() {
		return object{"type": []string{"string", "number"}, "writeOnly": true}
	}
	if f.Enum != nil {
		return orVariable(object{"enum": f.Enum})
	}
	return object{"type": []string{"string", "number"}}
}

// scalarSchema allows texts for numbers and booleans too: that is what comes out of variables.
func scalarSchema(f decode.Field) object {
	switch kind := f.Type.Kind(); {
	case kind == reflect.Bool:
		return object{"type": []string{"boolean", "string"}}
	case kind == reflect.String && f.Enum != nil:
		return orVariable(object{"enum": f.Enum})
	case kind == reflect.String:
		return object{"type": []string{"string", "number", "boolean"}}
	case kind == reflect.Float32 || kind == reflect.Float64:
		return bounded(object{"type": []string{"number", "string"}}, f)
	default:
		return bounded(object{"type": []string{"integer", "string"}}, f)
	}
}

func bounded(schema object, f decode.Field) object {
	if lowest, ok := decode.Bound(f.Min, f.Type); ok {
		schema["minimum"] = lowest
	}
	if highest, ok := decode.Bound(f.Max, f.Type); ok {
		schema["maximum"] = highest
	}
	return schema
}

func orVariable(schema object) object {
	return object{"anyOf": []any{schema, object{"type": "string", "pattern": `\{\$`}}}
}
