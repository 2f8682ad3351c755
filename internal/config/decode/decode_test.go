package decode_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grapnel-dev/grapnel/internal/config/decode"
	"github.com/grapnel-dev/grapnel/internal/config/document"
	"github.com/grapnel-dev/grapnel/internal/units"
)

type inner struct {
	Port int `yaml:"port" range:"1..65535"`
}

type shared struct {
	Name string `yaml:"name"`
}

type sample struct {
	shared `yaml:",inline"`

	Bool    bool              `yaml:"bool"`
	Int     int               `yaml:"int" range:"-5.."`
	Small   int8              `yaml:"small"`
	Uint    uint16            `yaml:"uint"`
	Float   float64           `yaml:"float" range:"..1.5"`
	Wait    units.Duration    `yaml:"wait" range:"1s..1h"`
	Size    *units.Size       `yaml:"size" range:"1KiB..1MiB"`
	Texts   []string          `yaml:"texts" enum:"a|b"`
	Inners  []inner           `yaml:"inners"`
	Inner   *inner            `yaml:"inner"`
	Map     map[string]int    `yaml:"map" range:"0..9"`
	Words   map[string]string `yaml:"words"`
	Any     any               `yaml:"any"`
	Ignored string
	Never   string `yaml:"-"`
}

func (s sample) Validate() error {
	if s.Name == "refused" {
		return errors.Join(errors.New("name: must not be refused"), errors.New("nothing goes together"))
	}
	return nil
}

// read decodes YAML over the target and says what is wrong.
func read(t *testing.T, d *decode.Decoder, yaml string, target any) string {
	t.Helper()
	node, err := document.Parse("f.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	d.Decode(node, "at", target)
	var lines []string
	for _, p := range d.Problems.Sorted() {
		lines = append(lines, strings.TrimPrefix(p.String(), "f.yaml:"))
	}
	return strings.Join(lines, "\n")
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		rule, yaml string
		want       sample
	}{
		{"numbers and booleans may be texts", `{bool: "True", int: "7", float: "0.5", uint: " 9 "}`, sample{Bool: true, Int: 7, Float: 0.5, Uint: 9}},
		{"the words for booleans", `{bool: on}`, sample{Bool: true}},
		{"whole numbers in other forms", `{int: 0x1F, uint: 1_000, small: "1e2"}`, sample{Int: 31, Uint: 1000, Small: 100}},
		{"leading zeros do not make a number octal", `{int: "010"}`, sample{Int: 10}},
		{"a text may be a number", `{name: 1.10}`, sample{shared: shared{"1.10"}}},
		{"types that read themselves", `{wait: 90, size: 2KiB}`, sample{Wait: units.Duration(90 * time.Second), Size: new(units.Size(2048))}},
		{"one value is a list of one", `{texts: a, inners: {port: 1}}`, sample{Texts: []string{"a"}, Inners: []inner{{1}}}},
		{"an empty list is a list", `{texts: []}`, sample{Texts: []string{}}},
		{"objects and lists", `{inner: {port: 2}, inners: [{port: 3}], map: {x: 4}}`, sample{Inner: &inner{2}, Inners: []inner{{3}}, Map: map[string]int{"x": 4}}},
		{"null is not written", `{int: , texts: null, inner: ~}`, sample{}},
		{"what has no type is passed on", `{any: {a: [1, true, x, null]}}`, sample{Any: map[string]any{"a": []any{1.0, true, "x", nil}}}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var got sample
			if problems := read(t, new(decode.Decoder), c.yaml, &got); problems != "" {
				t.Fatal(problems)
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(sample{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDefaultsStay(t *testing.T) {
	got := sample{Int: 5, Texts: []string{"a"}, Inner: &inner{Port: 7}}
	if problems := read(t, new(decode.Decoder), "{bool: true, inner: {}}", &got); problems != "" {
		t.Fatal(problems)
	}
	if got.Int != 5 || len(got.Texts) != 1 || got.Inner.Port != 7 {
		t.Errorf("got %+v", got)
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct{ rule, yaml, want string }{
		{"a bound below", "int: -6", "1:6: at.int: -6 is out of range: want at least -5"},
		{"a bound above", "float: 1.6", "1:8: at.float: 1.6 is out of range: want at most 1.5"},
		{"a bound of a duration", "wait: 2h", "1:7: at.wait: 2h is out of range: want 1s..1h"},
		{"a bound behind a pointer", "size: 1", "1:7: at.size: 1 is out of range: want 1KiB..1MiB"},
		{"a bound of each value of an object", "map: {x: 10}", "1:10: at.map.x: 10 is out of range: want 0..9"},
		{"a bound within a list", "inners: [{port: 0}]", "1:17: at.inners[0].port: 0 is out of range: want 1..65535"},
		{"words of a list", "texts: [a, c]", `1:12: at.texts[1]: "c" is not one of a, b: did you mean "a"?`},
		{"too large for its type", "small: 200", "1:8: at.small: want a whole number, got 200"},
		{"negative", "uint: -1", "1:7: at.uint: want a whole number, not negative, got -1"},
		{"not a number", "float: .nan", "1:8: at.float: want a number, got .nan"},
		{"a list for a scalar", "int: [1]", "1:6: at.int: want a number, got a list"},
		{"an object for a text", "name: {}", "1:7: at.name: want a text, got an object"},
		{"a text for an object", "inner: x", `1:8: at.inner: want an object, got a text`},
		{"a list for a map", "map: [1]", "1:6: at.map: want an object, got a list"},
		{"not a field", "Ignored: x", "1:1: at.Ignored: unknown key"},
		{"swapped letters", "flaot: 1", `1:1: at.flaot: unknown key: did you mean "float"?`},
		{"what Validate says has its key", "name: refused", "1:1: at: nothing goes together\n1:7: at.name: must not be refused"},
		{"Validate does not speak of what was noted", "name: refused\nint: x", "1:7: at.name: must not be refused\n2:6: at.int: want a whole number, got \"x\""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := read(t, new(decode.Decoder), c.yaml, new(sample)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

type demanding struct {
	URL  string `yaml:"url" required:"true"`
	Mode string `yaml:"mode" required:"true"`
}

func TestRequired(t *testing.T) {
	for _, c := range []struct{ rule, yaml, want string }{
		{"written", "url: x", ""},
		{"a default is enough", "{url: x}", ""},
		{"missing", "mode: y", "1:1: at.url: is required"},
		{"null", "url: ", "1:1: at.url: is required"},
		{"empty", `url: ""`, "1:6: at.url: is required: it must not be empty"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := read(t, new(decode.Decoder), c.yaml, &demanding{Mode: "default"}); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	t.Run("not in a part", func(t *testing.T) {
		if got := read(t, &decode.Decoder{Partial: true}, "mode: x", new(demanding)); got != "" {
			t.Error(got)
		}
	})
}

func TestLenient(t *testing.T) {
	d := &decode.Decoder{Lenient: true}
	if got := read(t, d, "{_comment: x, flaot: 1, int: many}", new(sample)); got != `1:30: at.int: want a whole number, got "many"` {
		t.Errorf("what is wrong stays wrong: got %s", got)
	}
	if len(d.Warnings) != 1 || d.Warnings[0].Path != "at.flaot" {
		t.Errorf("an unknown key is a warning, one that begins with _ a comment: %v", d.Warnings)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"authorization", "max_attempts", "retry", "hmac", "url"}
	for written, want := range map[string]string{
		"authorisation": "authorization", "maxAttempts": "max_attempts", "max-attempts": "max_attempts", "retyr": "retry",
		"hamc": "hmac", "uri": "url", "webhook": "", "": "", "x": "",
	} {
		if got := decode.Nearest(written, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", written, got, want)
		}
	}
}

func TestFields(t *testing.T) {
	if got, want := fmt.Sprint(decode.Keys(reflect.TypeFor[*sample]())), "[name bool int small uint float wait size texts inners inner map words any]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
