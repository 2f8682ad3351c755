package admin

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
)

//go:generate env UPDATE=1 go test -run TestReferencePage

// The page is made of the route table and of the doc comments of the wire types.
func TestReferencePage(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "reference", "api.md")
	want := newPage(t).write((&Server{}).routes())
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("docs/reference/api.md is behind: run go generate ./internal/admin (-want +have)\n%s", diff)
	}
}

const preface = `# Admin API

<!-- made by go generate from the routes and types in internal/admin: change it there -->

The admin surface has a listener of its own (` + "`admin.listen`" + `, 127.0.0.1:8001 unless configured). On loopback it is open to this
machine; when ` + "`admin.token`" + ` is set, and beyond loopback it has to be, requests carry ` + "`Authorization: Bearer TOKEN`" + `.

    curl http://127.0.0.1:8001/api/v1/overview

Answers are JSON: names in snake_case, times in RFC 3339 (UTC, to the microsecond), durations in seconds. Lists come in pages: ` + "`items`" + `,
and ` + "`next`" + ` if there are more, to be sent back as ` + "`cursor`" + `. Errors are problem details (RFC 9457, ` + "`application/problem+json`" + `). Parameters
and keys that are not known are refused. Every change is written to the log with the address it came from.

A delivery is in one of these states: %s.
`

// page writes the reference page.
type page struct {
	strings.Builder

	comments  map[string]string // of "Type" and "Type.Field"
	mentioned map[reflect.Type]bool
	todo      []reflect.Type // mentioned and not yet described, in order
}

func newPage(t *testing.T) *page {
	t.Helper()
	p := &page{comments: map[string]string{}, mentioned: map[reflect.Type]bool{}}
	for _, file := range []string{"types.go", "problem.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join("api", file), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			p.readComments(declaration)
		}
	}
	return p
}

func (p *page) readComments(declaration ast.Decl) {
	general, ok := declaration.(*ast.GenDecl)
	if !ok || general.Tok != token.TYPE {
		return
	}
	for _, spec := range general.Specs {
		named := spec.(*ast.TypeSpec)
		p.comments[named.Name.Name] = general.Doc.Text()
		structure, ok := named.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, field := range structure.Fields.List {
			for _, name := range field.Names {
				p.comments[named.Name.Name+"."+name.Name] = field.Doc.Text()
			}
		}
	}
}

func (p *page) write(routes []route) string {
	fmt.Fprintf(p, preface, strings.Join(each(event.States(), event.State.String), ", "))
	p.WriteString("\n## Operations\n")
	for _, r := range routes {
		p.operation(r)
	}
	p.WriteString("\n## Types\n")
	p.mention(reflect.TypeFor[api.Problem]())
	for len(p.todo) > 0 {
		next := p.todo[0]
		p.todo = p.todo[1:]
		p.structure(next)
	}
	return p.String()
}

func (p *page) operation(r route) {
	fmt.Fprintf(p, "\n### %s %s\n\n%s\n", r.method, strings.TrimSuffix(r.pattern, "{$}"), r.summary)
	var facts []string
	if r.open {
		facts = append(facts, "Needs no token.")
	}
	if r.body != nil {
		facts = append(facts, "Body: "+p.mention(r.body)+".")
	}
	if r.answer != nil {
		facts = append(facts, "Answer: "+p.mention(r.answer)+".")
	}
	if len(facts) > 0 {
		fmt.Fprintf(p, "\n%s\n", strings.Join(facts, " "))
	}
	if len(r.query) > 0 {
		p.WriteString("\n| parameter | |\n|---|---|\n")
	}
	for _, q := range r.query {
		fmt.Fprintf(p, "| `%s` | %s |\n", q.name, q.meaning)
	}
}

func (p *page) structure(t reflect.Type) {
	fmt.Fprintf(p, "\n### %s\n\n%s", t.Name(), p.comments[t.Name()])
	var rows strings.Builder
	for field := range t.Fields() {
		if field.Anonymous {
			fmt.Fprintf(p, "\nIt has all of %s, and:\n", p.mention(field.Type))
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		comment := strings.Join(strings.Fields(p.comments[t.Name()+"."+field.Name]), " ")
		fmt.Fprintf(&rows, "| `%s` | %s | %s |\n", name, p.mention(field.Type), comment)
	}
	fmt.Fprintf(p, "\n| key | | |\n|---|---|---|\n%s", rows.String())
}

// mention names a type, and remembers to describe it.
func (p *page) mention(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Time]():
		return "time"
	case reflect.TypeFor[http.Header]():
		return "object of lists of strings"
	case reflect.TypeFor[event.State]():
		return "state"
	}
	switch t.Kind() { //nolint:exhaustive // what the wire types are made of; anything else fails below
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.String:
		return "string"
	case reflect.Map:
		return "object by " + p.mention(t.Key()) + " of " + p.mention(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 && t.Elem() != reflect.TypeFor[event.State]() {
			return "object"
		}
		return "list of " + p.mention(t.Elem())
	case reflect.Struct:
		return p.mentionStruct(t)
	}
	panic("the reference page has no word for " + t.String())
}

func (p *page) mentionStruct(t reflect.Type) string {
	if strings.HasPrefix(t.Name(), "Page[") {
		items, _ := t.FieldByName("Items")
		return "page of " + p.mention(items.Type.Elem())
	}
	if !p.mentioned[t] {
		p.mentioned[t] = true
		p.todo = append(p.todo, t)
	}
	return fmt.Sprintf("[%s](#%s)", t.Name(), strings.ToLower(t.Name()))
}
