// Command fielddocs writes the doc comments of all configuration types below a directory as JSON, for the JSON Schema
// and the reference page. A type is one of the configuration when it is called Config or a field of it has a yaml tag.
//
//	fielddocs ROOT OUTPUT
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "fielddocs:", err)
		os.Exit(1)
	}
}

func run(root, output string) error {
	docs, err := collect(root)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(docs, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(output, append(text, '\n'), 0o644) //nolint:gosec // a file of the repository
}

// collect gives the comments by "<folder>.<type>" and "<folder>.<type>.<field>".
func collect(root string) (map[string]string, error) {
	docs := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error { //nolint:gosec // a tool of the repository
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		return file(path, filepath.ToSlash(folder), docs)
	})
	return docs, err
}

func file(path, folder string, docs map[string]string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, declaration := range parsed.Decls {
		types, ok := declaration.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		for _, spec := range types.Specs {
			declared := spec.(*ast.TypeSpec) //nolint:forcetypeassert // a declaration of types has nothing else
			structure(folder+"."+declared.Name.Name, declared, text(declared.Doc, types.Doc), docs)
		}
	}
	return nil
}

func structure(name string, declared *ast.TypeSpec, doc string, docs map[string]string) {
	if declared.Name.Name == "Config" {
		docs[name] = doc
	}
	s, ok := declared.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range s.Fields.List {
		if f.Tag == nil || !strings.Contains(f.Tag.Value, "yaml:") {
			continue
		}
		docs[name] = doc
		for _, field := range f.Names {
			docs[name+"."+field.Name] = text(f.Doc, f.Comment)
		}
	}
}

// text is the first comment that is there, as one line.
func text(comments ...*ast.CommentGroup) string {
	for _, c := range comments {
		if c.Text() != "" {
			return strings.Join(strings.Fields(c.Text()), " ")
		}
	}
	return ""
}
