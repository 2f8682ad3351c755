package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/config/decode"
	"github.com/grapnel-dev/grapnel/internal/config/document"
	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

type (
	// Problem is one thing that is wrong with a configuration, and where.
	Problem = document.Problem
	// Problems are all of them.
	Problems = document.Problems //nolint:errname // it is a list first, also of warnings
)

// Source is where a configuration comes from: one file, or the two classic ones.
type Source struct {
	// File is the one file, YAML or (by its ending .json) JSON.
	File string
	// Webhooks and Connections are the two classic files. Connections may be empty.
	Webhooks, Connections string
	// Getenv gives the values of variables; os.LookupEnv.
	Getenv func(name string) (string, bool)
	// Overrides are settings from flags, which win over the file.
	Overrides []Override
}

// Override is a setting from a flag.
type Override struct {
	Flag  string // as people write it: "--listen"
	Path  string // of the key: "server.listen"
	Value string
}

// Catalog is what this build can do.
type Catalog struct {
	Modules []destination.Module
	Methods []verify.Method
}

// Load reads, checks and resolves a configuration. Its error is Problems: everything that is wrong, at once.
func Load(src Source, cat Catalog) (*Config, error) {
	written, err := src.files()
	if err != nil {
		return nil, err
	}
	root, unset := document.Expand(written, src.Getenv)
	for _, o := range src.Overrides {
		root = document.Overlay(root, o.node(), 8)
	}
	l := &loader{Decoder: decode.Decoder{Lenient: src.classic()}, catalog: cat}
	cfg := l.config(root)
	if err := append(l.Problems.Beyond(unset), unset...).Err(); err != nil {
		return nil, err
	}
	cfg.Warnings = l.Warnings.Sorted()
	return cfg, nil
}

// Files are the files the configuration comes from, for whoever watches them.
func (s Source) Files() []string {
	var files []string
	for _, file := range []string{s.File, s.Webhooks, s.Connections} {
		if file != "" {
			files = append(files, file)
		}
	}
	return files
}

func (s Source) classic() bool { return s.File == "" }

// files gives the whole configuration as one tree, as it is written.
func (s Source) files() (*document.Node, error) {
	switch {
	case s.File != "" && s.Webhooks+s.Connections != "":
		return nil, Problems{{Place: document.Place{File: s.File}, Message: "is a whole configuration: name either it or the two classic files, not both"}}
	case s.File != "":
		return document.Read(s.File)
	case s.Webhooks == "":
		return nil, Problems{{Message: "no configuration: name one (--config grapnel.yaml), or see how it works first: grapnel dev"}}
	default:
		return s.classicFiles()
	}
}

// classicFiles puts the two files below the keys that they have in a whole configuration.
func (s Source) classicFiles() (*document.Node, error) {
	root := &document.Node{Kind: document.Mapping, Place: document.Place{File: s.Webhooks}}
	var problems Problems
	for _, part := range []struct{ key, file string }{{"webhooks", s.Webhooks}, {"connections", s.Connections}} {
		if part.file == "" {
			continue
		}
		node, err := document.Read(part.file)
		if found, ok := errors.AsType[Problems](err); ok {
			problems = append(problems, found...)
			continue
		}
		root.Entries = append(root.Entries, document.Entry{Key: part.key, Place: node.Place, Value: node})
	}
	return root, problems.Err()
}

// node is the override as a tree that is laid over the file's.
func (o Override) node() *document.Node {
	place := document.Place{File: o.Flag}
	node := &document.Node{Kind: document.String, Place: place, Text: o.Value}
	keys := strings.Split(o.Path, ".")
	for _, key := range slices.Backward(keys) {
		node = &document.Node{Kind: document.Mapping, Place: place, Entries: []document.Entry{{Key: key, Place: place, Value: node}}}
	}
	return node
}

// loader makes a configuration of a tree, and gathers what is wrong on the way.
type loader struct {
	decode.Decoder

	catalog     Catalog
	connections map[string]connection
}

func (l *loader) config(root *document.Node) *Config {
	cfg := Default()
	parts := decode.Raw{"webhooks": nil, "connections": nil}
	l.Mapping(root, "", &cfg, parts)
	cfg.source = root
	l.connections = l.readConnections(parts["connections"])
	cfg.Webhooks = l.readWebhooks(root, parts["webhooks"], &cfg)
	return &cfg
}

// entries gives the pairs of an object whose keys are names, comments left out.
func (l *loader) entries(n *document.Node, path string) []document.Entry {
	switch {
	case n == nil || n.Kind == document.Null:
		return nil
	case n.Kind != document.Mapping:
		l.Problems.Add(n.Place, path, "want an object with a name for each entry, got %s", n.Kind)
		return nil
	case !l.Lenient:
		return n.Entries
	}
	return n.Select(func(key string) bool { return !strings.HasPrefix(key, "_") }).Entries
}
