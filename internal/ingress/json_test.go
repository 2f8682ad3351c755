package ingress

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestJSON(t *testing.T) {
	limits := Limits{Depth: 3, String: 8}
	good := []string{
		`{}`, `[]`, `0`, `-0.5e+10`, `"\ud800"`, `true`, " \t\r\n null \n", `{"a":[{"b":1}]}`, `"12345678"`,
		"\"\xc3\xa9\"", `{"a":1,"a":2}`, `[[],[],[[]]]`, "\"\x7f\"", "123456789012345678901234567890",
	}
	for _, text := range good {
		t.Run("accepts "+text, func(t *testing.T) {
			if err := checkJSON([]byte(text), limits); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
	bad := []struct{ text, where string }{
		{"", "line 1, column 1: it is empty"},
		{" \n ", "line 2, column 2: it is empty"},
		{"\xef\xbb\xbf{}", "line 1, column 1: a byte order mark"},
		{"{} {}", "line 1, column 4: something follows"},
		{`{"a":[{"b":[]}]}`, "column 12: more than 3 levels"},
		{`"123456789"`, "column 11: a string of more than 8 bytes"},
		{`{"123456789":1}`, "a string of more than 8 bytes"},
		{"{\"a\":1,\n \"b\" 2}", "line 2, column 6: expected :"},
		{"\"\xc3\xa9\xff\"", "line 1, column 3: a byte that is not UTF-8"},
		{"\"\xed\xa0\x80\"", "a byte that is not UTF-8"},
		{"\"a\nb\"", "a control character in a string"},
		{`"abc`, "a string without an end"},
		{`"a\`, "an unknown escape sequence"},
		{`"\x"`, "an unknown escape sequence"},
		{`"\u12g4"`, "expected four hexadecimal digits"},
		{`[1,]`, "column 4: expected a value"},
		{`[1`, "expected , or ]"},
		{`{"a":1,}`, "expected a member's name"},
		{`{a:1}`, "expected a member's name"},
		{`01`, "something follows the value"},
		{`1.`, "expected a digit"},
		{`1e`, "expected a digit"},
		{`-`, "expected a value"},
		{`+1`, "expected a value"},
		{`NaN`, "expected a value"},
		{`nul`, "expected a value"},
		{`'a'`, "expected a value"},
		{"{}\x00", "something follows the value"},
	}
	for _, test := range bad {
		t.Run("refuses "+test.text, func(t *testing.T) {
			err := checkJSON([]byte(test.text), limits)
			r, ok := errors.AsType[*rejection](err)
			if !ok || r.status != 400 || !strings.Contains(r.detail, test.where) {
				t.Errorf("got %v, want %s", err, test.where)
			}
		})
	}
	t.Run("a body of deep brackets costs no more than the limit", func(t *testing.T) {
		if checkJSON(bytes.Repeat([]byte("["), 10<<20), limits) == nil {
			t.Error("accepted")
		}
	})
	t.Run("nothing is allocated for a good body", func(t *testing.T) {
		body := sample(1024)
		limits := Limits{Depth: 50, String: 1024}
		if n := testing.AllocsPerRun(100, func() { _ = checkJSON(body, limits) }); n > 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// What encoding/json and the encoding of UTF-8 accept, and nothing else, is accepted here.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[]", `{"a":[1,2.5e-3,true,false,null,"\u00e9\n"]}`, "\xef\xbb\xbf{}", "{} {}", `"\ud800"`, "\"\xff\"", "[[[[", `{"a"`,
		"-0", "1e+", "nul", "\"\x00\"", " \t\r\n1", `{"a":1,}`, `"\`, `"\u12`, "\"\xed\xa0\x80\"", `{"":{"":{}}}`, "1\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		const deepest = 10_000 // that of encoding/json
		got := checkJSON(text, Limits{Depth: deepest, String: math.MaxInt}) == nil
		want := json.Valid(text) && utf8.Valid(text)
		if got != want {
			t.Errorf("accepted: %v, want %v: %q", got, want, text)
		}
		if limited := checkJSON(text, Limits{Depth: 2, String: 4}) == nil; limited && !want {
			t.Errorf("accepted with limits only: %q", text)
		} else if want && limited != (depth(text) <= 2 && longest(text) <= 4) {
			t.Errorf("accepted within limits: %v: %q is %d deep with strings of %d bytes", limited, text, depth(text), longest(text))
		}
	})
}

// depth and longest measure a valid JSON text by simpler means.
func depth(text []byte) int {
	deepest, now := 0, 0
	walkOutside(text, func(c byte) {
		switch c {
		case '{', '[':
			now++
			deepest = max(deepest, now)
		case '}', ']':
			now--
		}
	}, func(int) {})
	return deepest
}

func longest(text []byte) int {
	most := 0
	walkOutside(text, func(byte) {}, func(n int) { most = max(most, n) })
	return most
}

func walkOutside(text []byte, outside func(byte), str func(length int)) {
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			outside(text[i])
			continue
		}
		start := i + 1
		for i++; text[i] != '"'; i++ {
			if text[i] == '\\' {
				i++
			}
		}
		str(i - start)
	}
}

// sample is a body of about that size, of the kind that providers send.
func sample(size int) []byte {
	const item = `{"id":"evt_1MqqbKLt4dXK03v5qaIbiNCC","amount":1099,"paid":true,"tags":["a","b"],"customer":null,"score":0.75},`
	text := "[" + strings.Repeat(item, max(size/len(item), 1))
	return []byte(strings.TrimSuffix(text, ",") + "]")
}
