// Package document reads YAML and JSON into one small tree in which every value knows where it stands, and works on
// such trees: variables, overlays.
//
// It knows nothing of which keys exist or what they mean.
package document

import "fmt"

// Kind is the shape of a node.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Bool
	Number
	String
	Sequence
	Mapping
)

// String is the kind's name in error messages.
func (k Kind) String() string {
	return [...]string{"nothing", "a boolean", "a number", "a text", "a list", "an object"}[k]
}

// Node is one value of a document. Trees are not changed once they are made: aliases share nodes.
type Node struct {
	Kind  Kind
	Place Place
	// Text is the value of a scalar: of a string what it means, of a number or boolean how it is written.
	Text string
	// Written is what stands in the file when Text has the values of variables in it; else empty. Messages quote it
	// instead of Text, so that they never show the value of a variable.
	Written string
	// Items are the elements of a sequence.
	Items []*Node
	// Entries are the pairs of a mapping, in the order of the file.
	Entries []Entry
}

// Entry is one pair of a mapping.
type Entry struct {
	Key   string
	Place Place // of the key
	Value *Node
}

// Scalar says whether the node is a boolean, a number or a string.
func (n *Node) Scalar() bool { return n.Kind == Bool || n.Kind == Number || n.Kind == String }

// Variable says whether the text holds the value of a variable.
func (n *Node) Variable() bool { return n.Written != "" }

// Shown is the text as messages may quote it.
func (n *Node) Shown() string {
	if n.Variable() {
		return n.Written
	}
	return n.Text
}

// Find gives the value of a key, or nil.
func (n *Node) Find(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			return n.Entries[i].Value
		}
	}
	return nil
}

// Place is where something stands. A place without a line is the file (or the flag) as a whole.
type Place struct {
	File         string
	Line, Column int
}

// String is file:line:column, as editors understand it.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}
