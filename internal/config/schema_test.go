package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"

	"github.com/grapnel-dev/grapnel/internal/config"
)

// TestSchemaAgreesWithTheLoader checks that an editor does not complain about what the gateway takes, and complains
// about the mistakes that people make.
func TestSchemaAgreesWithTheLoader(t *testing.T) {
	schema := compileSchema(t)
	for _, c := range []struct {
		rule, yaml string
		valid      bool
	}{
		{"an empty configuration has defaults", `{}`, true},
		{"numbers and booleans may be texts", `webhooks: {a: {module: print, retry: {enabled: "true", max_attempts: "3"}}}`, true},
		{"variables may stand for words", `webhooks: {a: {module: "{$MODULE}", data_type: "{$TYPE:json}"}}`, true},
		{"a step may be a name", `webhooks: {a: {chain: [print, {module: queue, connection: mq}]}}`, true},
		{"a list may be one value", `webhooks: {a: {module: post, module-config: {allowed_headers: x-one}}}`, true},
		{"a connection has the keys of its modules", `connections: {mq: {type: amqp, host: h, pass: p}}`, true},
		{"a rate limit is a rate or an object", `webhooks: {a: {module: print, rate_limit: 5/m}, b: {module: print, rate_limit: {max_requests: 5}}}`, true},
		{"a module has aliases", `webhooks: {a: {module: broker, module-config: {queue_name: q}}}`, true},
		{"a method may be a list", `webhooks: {a: {module: print, allow: [10.0.0.1]}}`, true},

		{"an unknown key", `sever: {}`, false},
		{"an unknown key of a webhook", `webhooks: {a: {module: print, retyr: {}}}`, false},
		{"an unknown key of a module", `webhooks: {a: {module: print, module-config: {queue_name: x}}}`, false},
		{"an unknown key of a connection", `connections: {mq: {type: amqp, hots: h}}`, false},
		{"an unknown module", `webhooks: {a: {module: prnit}}`, false},
		{"neither module nor chain", `webhooks: {a: {}}`, false},
		{"a number out of range", `webhooks: {a: {module: print, retry: {max_attempts: 5000}}}`, false},
		{"a word that is none", `webhooks: {a: {module: print, data_type: jsn}}`, false},
		{"an empty chain", `webhooks: {a: {chain: []}}`, false},
		{"a method without its secret", `webhooks: {a: {module: print, signature: {algorithm: sha1}}}`, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if err := schema.Validate(parse(t, []byte(c.yaml))); (err == nil) != c.valid {
				t.Errorf("valid: %v, want %v: %v", err == nil, c.valid, err)
			}
		})
	}
}

func TestTheSchemaTakesWhatTheLoaderTakes(t *testing.T) {
	schema := compileSchema(t)
	files, _ := filepath.Glob("testdata/problems/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts := map[string][]byte{}
		for _, f := range archive.Files {
			parts[f.Name] = f.Data
		}
		if text, ok := parts["grapnel.yaml"]; ok && bytes.HasPrefix(parts["want"], []byte("valid")) {
			if err := schema.Validate(parse(t, text)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := config.Schema(catalog())
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func parse(t *testing.T, text []byte) any {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// FuzzLoad: whatever is in a file, Load does not panic, and each problem has a place.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/problems/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range archive.Files {
			if part.Name != "want" {
				f.Add(part.Data, filepath.Ext(part.Name) == ".json")
			}
		}
	}
	if demo, err := os.ReadFile("../../examples/demo/grapnel.yaml"); err == nil {
		f.Add(demo, false)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte, isJSON bool) {
		src := config.Source{File: filepath.Join(dir, map[bool]string{true: "fuzz.json", false: "fuzz.yaml"}[isJSON]), Getenv: environment}
		if err := os.WriteFile(src.File, content, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(src, catalog())
		if err == nil {
			cfg.Redacted()
			return
		}
		problems, ok := errors.AsType[config.Problems](err)
		if !ok {
			t.Fatalf("not a list of problems: %v", err)
		}
		for _, p := range problems {
			if p.Place.File == "" || p.Message == "" {
				t.Errorf("a problem has no place or says nothing: %+v", p)
			}
		}
	})
}
