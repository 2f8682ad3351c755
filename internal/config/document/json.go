package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// parseJSON reads JSON as RFC 8259 has it. The syntax is checked first, as a whole, so that the reader that makes the
// nodes sees only well-formed tokens.
func parseJSON(file string, content []byte) (*Node, Problems) {
	r := &jsonReader{file: file, content: content, tokens: json.NewDecoder(bytes.NewReader(content))}
	r.tokens.UseNumber()
	var whole json.RawMessage
	if err := json.Unmarshal(content, &whole); err != nil {
		at := Place{File: file}
		if e, ok := errors.AsType[*json.SyntaxError](err); ok {
			at = r.place(int(e.Offset) - 1)
		}
		return nil, Problems{{Place: at, Message: "is not JSON: " + err.Error()}}
	}
	root := r.value(0)
	return root, r.problems
}

type jsonReader struct {
	file     string
	content  []byte
	tokens   *json.Decoder
	problems Problems
	// line, offset and start remember the last place, since places are asked for in the order of the file.
	line, offset, start int
}

// place tells where an offset is. Columns count characters, as editors do.
func (r *jsonReader) place(offset int) Place {
	offset = min(max(offset, r.offset), len(r.content))
	for {
		i := bytes.IndexByte(r.content[r.offset:offset], '\n')
		if i < 0 {
			break
		}
		r.line++
		r.offset += i + 1
		r.start = r.offset
	}
	r.offset = offset
	return Place{File: r.file, Line: r.line + 1, Column: utf8.RuneCount(r.content[r.start:offset]) + 1}
}

// next gives the next token and its place.
func (r *jsonReader) next() (json.Token, Place) {
	offset := int(r.tokens.InputOffset())
	for offset < len(r.content) && strings.IndexByte(" \t\r\n,:", r.content[offset]) >= 0 {
		offset++
	}
	at := r.place(offset)
	token, _ := r.tokens.Token() // the syntax has been checked
	return token, at
}

func (r *jsonReader) value(depth int) *Node {
	token, at := r.next()
	return r.valueOf(token, at, depth)
}

func (r *jsonReader) valueOf(token json.Token, at Place, depth int) *Node {
	node := &Node{Place: at}
	switch t := token.(type) {
	case json.Delim:
		if depth >= maxDepth {
			r.tooDeep(at)
			return node
		}
		r.container(node, t, depth+1)
	case string:
		node.Kind, node.Text = String, t
	case json.Number:
		node.Kind, node.Text = Number, t.String()
	case bool:
		node.Kind, node.Text = Bool, map[bool]string{true: "true", false: "false"}[t]
	}
	return node
}

func (r *jsonReader) container(node *Node, open json.Delim, depth int) {
	if open == '[' {
		node.Kind = Sequence
		for r.more() {
			node.Items = append(node.Items, r.value(depth))
		}
	} else {
		node.Kind = Mapping
		for r.more() {
			key, at := r.next()
			name, _ := key.(string)
			node.Entries = append(node.Entries, Entry{Key: name, Place: at, Value: r.value(depth)})
		}
		r.problems = append(r.problems, duplicates(node)...)
	}
	r.next() // the closing bracket
}

func (r *jsonReader) more() bool { return len(r.problems) < 100 && r.tokens.More() }

// tooDeep notes the problem and ends the reading: nothing that follows could be placed rightly.
func (r *jsonReader) tooDeep(at Place) {
	r.problems.Add(at, "", "nests deeper than %d levels", maxDepth)
	r.tokens = json.NewDecoder(strings.NewReader(""))
}

// duplicates finds the keys that a mapping has more than once. Which one would win is anybody's guess, so none does.
func duplicates(mapping *Node) Problems {
	var problems Problems
	first := map[string]Place{}
	for _, e := range mapping.Entries {
		if at, seen := first[e.Key]; seen {
			problems.Add(e.Place, "", "the key %q is written twice: it stands in line %d already", e.Key, at.Line)
			continue
		}
		first[e.Key] = e.Place
	}
	return problems
}
