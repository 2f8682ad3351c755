package all_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/config"
	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/destination/all"
	verifyall "github.com/grapnel-dev/grapnel/internal/verify/all"
)

func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range all.Modules() {
		for _, name := range append(m.Aliases, m.Name) {
			if seen[name] {
				t.Errorf("module %s is there twice", name)
			}
			seen[name] = true
		}
	}
}

func TestDefaultsHoldNoState(t *testing.T) {
	for _, m := range all.Modules() {
		if m.Config() == m.Config() {
			t.Errorf("module %s gives the same configuration twice", m.Name)
		}
	}
}

// The examples are shown in the documentation: they must be configurations that work.
func TestExamples(t *testing.T) {
	for _, m := range all.Modules() {
		t.Run(m.Name, func(t *testing.T) {
			file := filepath.Join("..", strings.ReplaceAll(m.Name, "_", ""), "example.yaml")
			cfg, err := config.Load(config.Source{File: file, Getenv: unset}, config.Catalog{
				Modules: all.Modules(), Methods: verifyall.Methods(),
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(cfg.Warnings) > 0 {
				t.Errorf("warnings: %v", cfg.Warnings)
			}
			step := cfg.Webhooks["orders"].Steps[0]
			if step.Module != m.Name {
				t.Errorf("the example shows the module %s", step.Module)
			}
			d, err := step.Config.Open(destination.Env{Name: step.Destination, Webhook: "orders"})
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func unset(string) (string, bool) { return "", false }
