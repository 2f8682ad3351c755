// Command reference writes the JSON Schema and the reference page of the configuration into a directory.
//
//	reference DIRECTORY
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/grapnel-dev/grapnel/internal/config"
	destinations "github.com/grapnel-dev/grapnel/internal/destination/all"
	methods "github.com/grapnel-dev/grapnel/internal/verify/all"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func run(directory string) error {
	files, err := generate()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(directory, 0o755); err != nil { //nolint:gosec // a folder of the repository
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o644); err != nil { //nolint:gosec // files of the repository
			return err
		}
	}
	return nil
}

// generate gives the files of the reference by name.
func generate() (map[string][]byte, error) {
	catalog := config.Catalog{Modules: destinations.Modules(), Methods: methods.Methods()}
	schema, err := config.Schema(catalog)
	if err != nil {
		return nil, err
	}
	page, err := config.Reference(catalog)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"grapnel.schema.json": schema, "configuration.md": page}, nil
}
