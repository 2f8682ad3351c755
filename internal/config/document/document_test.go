package document_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/config/document"
)

func parse(t *testing.T, file, content string) *document.Node {
	t.Helper()
	node, err := document.Parse(file, []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// outline writes a tree on one line, with the places of its scalars.
func outline(n *document.Node) string {
	switch n.Kind {
	case document.Sequence:
		var items []string
		for _, item := range n.Items {
			items = append(items, outline(item))
		}
		return "[" + strings.Join(items, " ") + "]"
	case document.Mapping:
		var entries []string
		for _, e := range n.Entries {
			entries = append(entries, e.Key+"="+outline(e.Value))
		}
		return "{" + strings.Join(entries, " ") + "}"
	case document.Null:
		return "null"
	default:
		return fmt.Sprintf("%s@%d:%d", n.Text, n.Place.Line, n.Place.Column)
	}
}

func TestEveryValueKnowsWhereItStands(t *testing.T) {
	for _, c := range []struct{ rule, file, content, want string }{
		{"yaml", "f.yaml", "a: 1\nb:\n  - x\n  - {c: true, d: }\n", "{a=1@1:4 b=[x@3:5 {c=true@4:9 d=null}]}"},
		{"json", "f.json", "{\"a\": 1,\n\t\"b\": [\"x\",\n\t{\"c\": true, \"d\": null}]}", "{a=1@1:7 b=[x@2:8 {c=true@3:8 d=null}]}"},
		{"columns count characters", "f.json", `{"é": "ü", "b": 2}`, "{é=ü@1:7 b=2@1:17}"},
		{"a number is kept as it is written", "f.yaml", "[1.10, 0x1F, 1e3, 007]", "[1.10@1:2 0x1F@1:8 1e3@1:14 007@1:19]"},
		{"!!str makes a text", "f.yaml", "a: !!str 12", "{a=12@1:4}"},
		{"block texts", "f.yaml", "a: |\n  x\n  y\n", "{a=x\ny\n@1:4}"},
		{"json escapes", "f.json", `["\u00e9\ud83d\ude00\/"]`, "[é😀/@1:2]"},
		{"aliases", "f.yaml", "a: &x {b: 1}\nc: *x", "{a={b=1@1:11} c={b=1@1:11}}"},
		{"merge keys lie beneath", "f.yaml", "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", "{a={b=1@1:11 c=2@1:17} d={c=3@2:16 b=1@1:11}}"},
		{"the first of several merge keys wins", "f.yaml", "a: &x {b: 1}\nc: &y {b: 2, d: 2}\ne: {<<: [*x, *y]}", "{a={b=1@1:11} c={b=2@2:11 d=2@2:17} e={b=1@1:11 d=2@2:17}}"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := outline(parse(t, c.file, c.content)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x]\n")
	for i := range 12 {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 8))
	}
	for _, c := range []struct{ rule, file, content, want string }{
		{"aliases of aliases are counted", "f.yaml", bomb.String(), "is too large"},
		{"brackets may nest 64 levels", "f.yaml", strings.Repeat("[", 1<<14), "f.yaml:1:65: nests deeper than 64 levels"},
		{"dashes may nest 64 levels", "f.yaml", strings.Repeat("- ", 1<<14), "nests deeper than 64 levels"},
		{"json may nest 64 levels", "f.json", strings.Repeat("[", 100) + strings.Repeat("]", 100), "f.json:1:65: nests deeper than 64 levels"},
		{"json that nests without end", "f.json", strings.Repeat("[", 1<<14), "exceeded max depth"},
		{"a circle of aliases", "f.yaml", "a: &a [*a]", "has no anchor &a before it"},
		{"a large file", "f.yaml", strings.Repeat("# nothing\n", 1<<19), "f.yaml: is larger than 4 MiB"},
		{"not a text", "f.yaml", "a: \xff\xfe", "f.yaml: is not UTF-8 text"},
		{"not a text either", "f.json", "{\"a\":\x00}", "f.json: has NUL bytes"},
		{"json with something behind it", "f.json", "{}\n{}", "f.json:2:1: is not JSON"},
		{"yaml in a json file", "f.json", "a: 1", "f.json:1:1: is not JSON"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := document.Parse(c.file, []byte(c.content))
			problems, ok := errors.AsType[document.Problems](err)
			if !ok || !strings.Contains(problems[0].String(), c.want) {
				t.Errorf("got %.200v\nwant …%s…", err, c.want)
			}
		})
	}
}

func TestRead(t *testing.T) {
	t.Run("a file that is not there", func(t *testing.T) {
		_, err := document.Read("nowhere.yaml")
		if err == nil || err.Error() != "nowhere.yaml: cannot be read: no such file or directory" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a file without end is read as far as it may be large", func(t *testing.T) {
		if _, err := document.Read("/dev/zero"); err == nil || !strings.Contains(err.Error(), "is larger than") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(file, []byte("a: 1"), 0o600); err != nil {
			t.Fatal(err)
		}
		node, err := document.Read(file)
		if err != nil || node.Find("a").Text != "1" {
			t.Errorf("got %v, %v", node, err)
		}
	})
}

func TestExpand(t *testing.T) {
	getenv := func(name string) (string, bool) {
		value, ok := map[string]string{"A": "one", "B": "{$A}", "EMPTY": ""}[name]
		return value, ok
	}
	for _, c := range []struct{ rule, text, want string }{
		{"a whole value", "{$A}", "one"},
		{"within a text", "<{$A}|{$A}>", "<one|one>"},
		{"a default", "{$X:two}", "two"},
		{"an empty default", "<{$X:}>", "<>"},
		{"an empty variable is set", "<{$EMPTY:two}>", "<>"},
		{"values are not expanded again", "{$B}", "{$A}"},
		{"the default of a whole value may have braces", `{$X:{"a": {"b": 1}}}`, `{"a": {"b": 1}}`},
		{"two variables are not one with a long default", "{$X:x}-{$A:y}", "x-one"},
		{"a default may be an address", "{$X:http://localhost:80}/path", "http://localhost:80/path"},
		{"no variable", "${A} {A} $A", "${A} {A} $A"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			root := &document.Node{Kind: document.Sequence, Items: []*document.Node{{Kind: document.String, Text: c.text}}}
			got, unset := document.Expand(root, getenv)
			if unset != nil {
				t.Fatal(unset)
			}
			if text := got.Items[0].Text; text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
			if got.Items[0].Shown() != c.text {
				t.Errorf("messages quote what is written, not %q", got.Items[0].Shown())
			}
		})
	}
}

func TestOverlay(t *testing.T) {
	base := parse(t, "f.yaml", "a: 1\nb: {c: 2, d: {e: 3}}\nl: [1]")
	for _, c := range []struct {
		rule, over string
		depth      int
		want       string
	}{
		{"what lies over wins", "a: 9", 1, "{a=9@1:4 b={c=2@2:8 d={e=3@2:18}} l=[1@3:5]}"},
		{"one level", "b: {c: 9}", 1, "{b={c=9@1:8} a=1@1:4 l=[1@3:5]}"},
		{"two levels", "b: {d: {f: 9}}", 2, "{b={d={f=9@1:12} c=2@2:8} a=1@1:4 l=[1@3:5]}"},
		{"null hides nothing", "a: null\nl: ", 1, "{a=1@1:4 l=[1@3:5] b={c=2@2:8 d={e=3@2:18}}}"},
		{"lists are replaced", "l: []", 3, "{l=[] a=1@1:4 b={c=2@2:8 d={e=3@2:18}}}"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			before := outline(base)
			if got := outline(document.Overlay(base, parse(t, "o.yaml", c.over), c.depth)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if outline(base) != before {
				t.Error("the base is changed")
			}
		})
	}
}
