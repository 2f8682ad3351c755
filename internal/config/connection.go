package config

import (
	"reflect"
	"slices"

	"github.com/grapnel-dev/grapnel/internal/config/decode"
	"github.com/grapnel-dev/grapnel/internal/config/document"
	"github.com/grapnel-dev/grapnel/internal/destination"
)

// connection is the named half of the keys of a module: what several destinations share.
type connection struct {
	kind string         // its type
	keys *document.Node // all others
}

func (l *loader) readConnections(n *document.Node) map[string]connection {
	connections := map[string]connection{}
	for _, e := range l.entries(n, "connections") {
		path := document.Join("connections", e.Key)
		if e.Value.Kind != document.Mapping {
			l.Problems.Add(e.Value.Place, path, "want an object with a type, got %s", e.Value.Kind)
			continue
		}
		var kind string
		if t := e.Value.Find("type"); t != nil {
			l.Decode(t, document.Join(path, "type"), &kind)
		}
		keys := e.Value.Select(func(key string) bool { return key != "type" })
		connections[e.Key] = connection{kind: kind, keys: keys}
		l.checkConnection(e, path, kind, keys)
	}
	return connections
}

// checkConnection judges a connection by itself, so that what is wrong in it is found even when nothing uses it.
func (l *loader) checkConnection(e document.Entry, path, kind string, keys *document.Node) {
	modules := slices.DeleteFunc(slices.Clone(l.catalog.Modules), func(m destination.Module) bool {
		return !slices.Contains(m.ConnectionTypes, kind)
	})
	switch {
	case kind == "":
		l.Problems.Add(e.Value.Place, document.Join(path, "type"), "is required: %s", wanted(l.connectionTypes()))
		return
	case len(modules) == 0:
		l.Unknown(e.Value.Find("type").Place, document.Join(path, "type"),
			"no module of this build takes connections of the type %q%s", e.Value.Find("type").Shown(), decode.DidYouMean(kind, l.connectionTypes()))
		return
	}
	l.checkKeys(path, keys, modules)
	for _, m := range modules {
		part := decode.Decoder{Partial: true, Lenient: l.Lenient}
		part.Decode(keys.Select(knows(m)), path, m.Config())
		l.Problems = append(l.Problems, part.Problems...)
		l.Warnings = append(l.Warnings, part.Warnings...)
	}
}

// checkKeys finds the keys that none of the modules has.
func (l *loader) checkKeys(path string, keys *document.Node, modules []destination.Module) {
	var known []string
	for _, m := range modules {
		known = append(known, decode.Keys(reflect.TypeOf(m.Config()))...)
	}
	for _, e := range l.entries(keys, path) {
		if !slices.Contains(known, e.Key) {
			l.Unknown(e.Place, document.Join(path, e.Key), "unknown key%s", decode.DidYouMean(e.Key, known))
		}
	}
}

func (l *loader) connectionTypes() []string {
	var types []string
	for _, m := range l.catalog.Modules {
		types = append(types, m.ConnectionTypes...)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// knows says which keys a module has.
func knows(m destination.Module) func(key string) bool {
	keys := decode.Keys(reflect.TypeOf(m.Config()))
	return func(key string) bool { return slices.Contains(keys, key) }
}
