package document

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parseYAML reads YAML 1.2 with anchors, aliases and merge keys.
func parseYAML(file string, content []byte) (*Node, Problems) {
	content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	r := &yamlReader{file: file, anchors: map[string]*Node{}, sizes: map[*Node]int{}}
	body, err := r.body(string(content))
	if err != nil {
		return nil, Problems{r.syntax(err)}
	}
	root := r.node(body, 0)
	return root, r.problems
}

type yamlReader struct {
	file     string
	anchors  map[string]*Node
	sizes    map[*Node]int // how many nodes an anchor stands for, so that aliases of aliases are counted
	nodes    int
	problems Problems
}

// body gives the one document of the text.
func (r *yamlReader) body(text string) (body ast.Node, err error) {
	// The parser is foreign code that reads what people typed: should it panic, that is a file which cannot be read and
	// not the end of a running gateway.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the YAML parser gave up: %v", p)
		}
	}()
	tokens := lexer.Tokenize(text)
	if at := tooDeep(tokens); at != nil {
		return nil, &yaml.SyntaxError{Message: fmt.Sprintf("nests deeper than %d levels", maxDepth), Token: at}
	}
	parsed, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, err
	}
	return single(parsed)
}

func single(file *ast.File) (ast.Node, error) {
	var body ast.Node
	for _, doc := range file.Docs {
		if _, directive := doc.Body.(*ast.DirectiveNode); directive || doc.Body == nil {
			continue
		}
		if body != nil {
			return nil, &yaml.SyntaxError{Message: "is the second document in the file: want one", Token: doc.Body.GetToken()}
		}
		body = doc.Body
	}
	if body == nil {
		return nil, errors.New("is empty: want a configuration")
	}
	return body, nil
}

// tooDeep looks for nesting that costs few bytes a level, which would overflow the parser's stack: [[[[ and - - - -.
func tooDeep(tokens token.Tokens) *token.Token {
	flow, line, block := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, block = t.Position.Line, 0
		}
		switch t.Type { //nolint:exhaustive // the others do not nest
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType:
			block++
		}
		if flow+block > maxDepth {
			return t
		}
	}
	return nil
}

// syntax places a parser's error.
func (r *yamlReader) syntax(err error) Problem {
	if e, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		return Problem{Place: r.at(e.Token), Message: plain(e.Message)}
	}
	return Problem{Place: Place{File: r.file}, Message: err.Error()}
}

// plain says in words of our own what the parser says about the mistakes that are made most.
func plain(message string) string {
	switch {
	case strings.Contains(message, "tab character"), strings.Contains(message, "'\t'"):
		return "is indented with a tab: YAML wants spaces"
	case strings.Contains(message, "reserved character"):
		return message + ": put the value in quotes"
	default:
		return message
	}
}

func (r *yamlReader) at(t *token.Token) Place {
	if t == nil || t.Position == nil {
		return Place{File: r.file}
	}
	return Place{File: r.file, Line: t.Position.Line, Column: t.Position.Column}
}

func (r *yamlReader) fail(t *token.Token, format string, args ...any) *Node {
	r.problems.Add(r.at(t), "", format, args...)
	return &Node{Place: r.at(t)}
}

// node makes a node of a parser's.
func (r *yamlReader) node(n ast.Node, depth int) *Node {
	if n == nil {
		return &Node{Place: Place{File: r.file}}
	}
	if r.nodes++; depth > maxDepth || r.nodes > maxNodes {
		return r.fail(n.GetToken(), "is too large: want at most %d levels and %d values, aliases counted", maxDepth, maxNodes)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return r.mapping(n.GetToken(), n.Values, depth)
	case *ast.MappingValueNode:
		return r.mapping(n.GetToken(), []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		return r.sequence(n, depth)
	case *ast.AnchorNode:
		return r.anchor(n, depth)
	case *ast.AliasNode:
		return r.alias(n)
	case *ast.TagNode:
		return r.tagged(n, depth)
	default:
		return r.scalar(n)
	}
}

func (r *yamlReader) scalar(n ast.Node) *Node {
	node := &Node{Place: r.at(n.GetToken()), Text: n.GetToken().Value}
	switch n := n.(type) {
	case *ast.NullNode:
		node.Text = ""
	case *ast.BoolNode:
		node.Kind = Bool
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		node.Kind = Number
	case *ast.StringNode:
		node.Kind, node.Text = String, n.Value
	case *ast.LiteralNode:
		node.Kind, node.Text = String, n.Value.Value
	default:
		return r.fail(n.GetToken(), "is not a value that a configuration can have")
	}
	return node
}

func (r *yamlReader) sequence(n *ast.SequenceNode, depth int) *Node {
	node := &Node{Kind: Sequence, Place: r.at(n.GetToken())}
	for _, item := range n.Values {
		node.Items = append(node.Items, r.node(item, depth+1))
	}
	return node
}

// anchor reads the value first: an alias within its own anchor finds nothing, so there are no circles.
func (r *yamlReader) anchor(n *ast.AnchorNode, depth int) *Node {
	before := r.nodes
	node := r.node(n.Value, depth)
	r.anchors[n.Name.GetToken().Value] = node
	r.sizes[node] = r.nodes - before
	return node
}

func (r *yamlReader) alias(n *ast.AliasNode) *Node {
	name := n.Value.GetToken().Value
	node, ok := r.anchors[name]
	if !ok {
		return r.fail(n.GetToken(), "the alias *%s has no anchor &%s before it", name, name)
	}
	if r.nodes += r.sizes[node]; r.nodes > maxNodes {
		return r.fail(n.GetToken(), "is too large: want at most %d values, aliases counted", maxNodes)
	}
	return node
}

func (r *yamlReader) tagged(n *ast.TagNode, depth int) *Node {
	node := r.node(n.Value, depth)
	if n.Start.Value != "!!str" || !node.Scalar() {
		return r.fail(n.Start, "has the tag %s: a configuration has none but !!str", n.Start.Value)
	}
	return &Node{Kind: String, Place: r.at(n.Start), Text: node.Text}
}

func (r *yamlReader) mapping(start *token.Token, values []*ast.MappingValueNode, depth int) *Node {
	node := &Node{Kind: Mapping, Place: r.at(start)}
	var merged []*Node
	for _, v := range values {
		if v.Key.IsMergeKey() {
			merged = append(merged, r.merged(v, depth)...)
			continue
		}
		node.Entries = append(node.Entries, Entry{Key: keyOf(v.Key), Place: r.at(v.Key.GetToken()), Value: r.node(v.Value, depth+1)})
	}
	if len(values) > 0 && start.Value == ":" { // a block mapping begins at its first key
		node.Place = r.at(values[0].Key.GetToken())
	}
	r.problems = append(r.problems, duplicates(node)...)
	r.unquoted(node)
	for _, base := range merged {
		node = Overlay(base, node, 1)
	}
	return node
}

func keyOf(key ast.MapKeyNode) string {
	switch k := key.(type) {
	case *ast.StringNode:
		return k.Value
	case *ast.MappingKeyNode:
		return k.Value.GetToken().Value
	default:
		return key.GetToken().Value
	}
}

// merged gives what a merge key (<<) names: a mapping or several, of which the first wins.
func (r *yamlReader) merged(v *ast.MappingValueNode, depth int) []*Node {
	node := r.node(v.Value, depth+1)
	bases := []*Node{node}
	if node.Kind == Sequence {
		bases = node.Items
	}
	for _, base := range bases {
		if base.Kind != Mapping {
			r.fail(v.Key.GetToken(), "the merge key << wants an object, got %s", base.Kind)
			return nil
		}
	}
	return bases
}

// unquoted finds {$VAR} without quotes, which YAML reads as an object.
func (r *yamlReader) unquoted(mapping *Node) {
	if len(mapping.Entries) == 1 && strings.HasPrefix(mapping.Entries[0].Key, "$") {
		name := mapping.Entries[0].Key
		r.problems.Add(mapping.Place, "", `the variable {%s} must stand in quotes in YAML: "{%s}"`, name, name)
	}
}
