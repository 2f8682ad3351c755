// Package grapnel holds no code: this test holds the rules of who may import whom, which docs/ARCHITECTURE.md draws.
package grapnel

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/grapnel-dev/grapnel/"

// mayImport says for each package of the product what else of this module it may import: "a" is the package a, "a/*" is
// all that is below it, "*" is everything. For a package that is not named, the longest "a/*" holds; one without any
// rule is an error, so that a new package is a decision.
func mayImport() map[string][]string {
	return map[string][]string{
		// The ground floor: the standard library only.
		"internal/event":  {},
		"internal/fault":  {},
		"internal/units":  {},
		"internal/secret": {},

		// Pure decisions.
		"internal/retry":   {"internal/event", "internal/fault", "internal/units"},
		"internal/breaker": {"internal/event", "internal/fault", "internal/units"},

		// Contracts. Implementations know their contract and never each other.
		"internal/verify":        {"internal/secret"},
		"internal/verify/*":      {"internal/verify", "internal/secret", "internal/units"},
		"internal/verify/all":    {"internal/verify", "internal/verify/*"},
		"internal/destination":   {"internal/event", "internal/fault"},
		"internal/destination/*": {"internal/destination", "internal/event", "internal/fault", "internal/secret", "internal/units", "internal/netguard"},
		"internal/destination/destinationtest": {
			"internal/destination", "internal/destination/destinationtest/*", "internal/event", "internal/fault", "internal/secret", "internal/units",
		},
		"internal/destination/all": {"internal/destination", "internal/destination/*"},
		"internal/store":           {"internal/event", "internal/fault"},
		"internal/store/*":         {"internal/store", "internal/event", "internal/fault"},
		"internal/store/sqlite/*":  {"internal/store", "internal/store/sqlite/*", "internal/event", "internal/fault"},
		"internal/store/storetest": {"internal/store", "internal/event", "internal/fault"},
		"internal/verify/provider": {"internal/verify", "internal/verify/*", "internal/secret", "internal/units"},

		// Engines: contracts only, and not each other.
		"internal/ingress":  {"internal/event", "internal/fault", "internal/verify", "internal/store", "internal/units", "internal/telemetry"},
		"internal/delivery": {"internal/event", "internal/fault", "internal/retry", "internal/breaker", "internal/destination", "internal/store", "internal/telemetry"},

		// Support.
		"internal/netguard":  {"internal/fault", "internal/units"},
		"internal/telemetry": {"internal/event", "internal/fault", "internal/store"},
		"internal/config": {
			"internal/config/*", "internal/event", "internal/fault", "internal/verify", "internal/destination",
			"internal/units", "internal/secret", "internal/retry", "internal/breaker",
		},
		"internal/config/*": {"internal/config/*", "internal/units", "internal/secret", "internal/fault"},

		// The edges.
		"internal/admin": {
			"internal/admin/api", "internal/event", "internal/fault", "internal/verify", "internal/destination",
			"internal/store", "internal/telemetry", "internal/config", "internal/secret", "internal/units",
		},
		"internal/admin/api": {"internal/event", "internal/fault"},
		"internal/app":       {"*"},
		"internal/cli": {
			"internal/app", "internal/config", "internal/config/*", "internal/admin/api", "internal/event", "internal/fault",
			"internal/verify", "internal/retry", "internal/telemetry", "internal/units", "internal/secret", "examples/demo",
		},
		"cmd/grapnel":   {"internal/cli"},
		"examples/demo": {},

		// Tools and tests are outside of the product.
		"bench":   {"*"},
		"bench/*": {"*"},
		"test/*":  {"*"},
	}
}

// onlyIn says which packages may import a library: what one package hides, no other depends on.
func onlyIn() map[string][]string {
	return map[string][]string{
		"modernc.org/sqlite":              {"internal/store/sqlite"},
		"github.com/alecthomas/kong":      {"internal/cli"},
		"github.com/fsnotify/fsnotify":    {"internal/app", "internal/config"},
		"github.com/goccy/go-yaml":        {"internal/config"},
		"github.com/prometheus":           {"internal/telemetry", "internal/admin", "internal/app"},
		"github.com/santhosh-tekuri":      {"internal/config", "internal/ingress"},
		"pgregory.net/rapid":              {"internal/store/storetest"},
		"go.uber.org/goleak":              {"internal/destination/destinationtest", "internal/store/storetest", "internal/verify/verifytest"},
		"github.com/rogpeppe/go-internal": {"test"},
		"github.com/google/go-cmp":        {"internal/store/storetest", "internal/destination/destinationtest", "internal/verify/verifytest"},
	}
}

// file is a Go file of the product with what it imports; packages of this module without the module's path.
type file struct {
	name, pkg string
	imports   []string
}

func TestImportRules(t *testing.T) {
	files := productFiles(t)
	t.Run("every package has a rule", func(t *testing.T) {
		for _, f := range files {
			if _, known := allowed(f.pkg); !known {
				t.Errorf("%s: package %s has no rule: say in arch_test.go what it may import", f.name, f.pkg)
			}
		}
	})
	t.Run("a package imports only what its rule names", func(t *testing.T) {
		for _, f := range files {
			rule, _ := allowed(f.pkg)
			for _, imported := range f.imports {
				if own, ok := strings.CutPrefix(imported, modulePath); ok && own != f.pkg && !matchesAny(rule, own) {
					t.Errorf("%s: %s must not import %s", f.name, f.pkg, own)
				}
			}
		}
	})
	t.Run("a library is imported only where it is hidden", func(t *testing.T) {
		for _, f := range files {
			for _, imported := range f.imports {
				if homes, limited := homesOf(imported); limited && !slices.ContainsFunc(homes, func(home string) bool { return below(home, f.pkg) }) {
					t.Errorf("%s: %s must not import %s: that is for %s", f.name, f.pkg, imported, strings.Join(homes, ", "))
				}
			}
		}
	})
	t.Run("no package has an init function", func(t *testing.T) {
		// golangci-lint holds it too; here it needs no tool.
		for _, f := range files {
			if declaresInit(t, f.name) {
				t.Errorf("%s: init runs before anybody can pass it an argument", f.name)
			}
		}
	})
}

// productFiles reads the imports of all Go files that are not tests.
func productFiles(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || slices.Contains([]string{"testdata", "bin", "data", "tools"}, entry.Name())) {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			files = append(files, file{name: name, pkg: path.Dir(filepath.ToSlash(name)), imports: importsOf(t, name)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func importsOf(t *testing.T, name string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	imports := make([]string, len(parsed.Imports))
	for i, spec := range parsed.Imports {
		imports[i], _ = strconv.Unquote(spec.Path.Value)
	}
	return imports
}

func declaresInit(t *testing.T, name string) bool {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(parsed.Decls, isInit)
}

func isInit(declaration ast.Decl) bool {
	function, ok := declaration.(*ast.FuncDecl)
	return ok && function.Recv == nil && function.Name.Name == "init"
}

// allowed is the rule that holds for a package.
func allowed(pkg string) (rule []string, known bool) {
	rules := mayImport()
	if rule, known = rules[pkg]; known {
		return rule, true
	}
	matching := slices.DeleteFunc(slices.Collect(maps.Keys(rules)), func(pattern string) bool { return !matches(pattern, pkg) })
	if len(matching) == 0 {
		return nil, false
	}
	longest := slices.MaxFunc(matching, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	return rules[longest], true
}

func matches(pattern, pkg string) bool {
	if pattern == "*" || pattern == pkg {
		return true
	}
	parent, isTree := strings.CutSuffix(pattern, "/*")
	return isTree && strings.HasPrefix(pkg, parent+"/")
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, pkg) })
}

func homesOf(imported string) (homes []string, limited bool) {
	for library, homes := range onlyIn() {
		if below(library, imported) {
			return homes, true
		}
	}
	return nil, false
}

// below says whether p is parent or in a folder of it.
func below(parent, p string) bool { return p == parent || strings.HasPrefix(p, parent+"/") }
