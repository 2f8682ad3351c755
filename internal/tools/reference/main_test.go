package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/grapnel-dev/grapnel/internal/config"
	destinations "github.com/grapnel-dev/grapnel/internal/destination/all"
	methods "github.com/grapnel-dev/grapnel/internal/verify/all"
)

const root = "../../../"

func TestTheReferenceIsInStep(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, "docs/reference", name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/reference/%s is out of step with the structs: run make generate (%v)", name, err)
		}
	}
}

// TestExamples holds that every example of the repository is valid, for the loader as for an editor.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(root + "examples/*/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	schema := compile(t)
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			unset := func(string) (string, bool) { return "", false }
			catalog := config.Catalog{Modules: destinations.Modules(), Methods: methods.Methods()}
			if _, err := config.Load(config.Source{File: file, Getenv: unset}, catalog); err != nil {
				t.Error(err)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(schema, text); err != nil {
				t.Error(err)
			}
		})
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(files["grapnel.schema.json"]))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("grapnel.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("grapnel.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(schema *jsonschema.Schema, text []byte) error {
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}
