package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestClean(t *testing.T) {
	tests := []struct{ rule, text, want string }{
		{"text stays as it is", "größer als 5 €, 日本", "größer als 5 €, 日本"},
		{"escape sequences are shown", "\x1b[2Jgone", `\x1b[2Jgone`},
		{"a bell and a return are shown", "ding\a\r", `ding\a\r`},
		{"lines are shown unless they are kept", "a\nb", `a\nb`},
		{"the second set of control characters is shown", "\u009b2J", `\u009b2J`},
		{"marks that turn the writing around are shown", "user\u202etxt.exe", `user\u202etxt.exe`},
		{"bytes that are no text are shown", "\xff\x00ok", `\xff\x00ok`},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			if got := clean(test.text, ""); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	t.Run("lines and tabulators may be kept", func(t *testing.T) {
		if got := clean("a\n\tb\x1b", keepLines); got != "a\n\tb"+`\x1b` {
			t.Errorf("got %q", got)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b]0;title\a\u009b\xff\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range clean(text, "") {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q is left in what %q became", r, text)
			}
		}
	})
}

func TestTable(t *testing.T) {
	rows := [][]cell{heading("NAME", "STATE"), {{"größer", plain}, {"dead", red}}, {{"b", plain}, {"pending", yellow}}}
	t.Run("columns are as wide as their widest word", func(t *testing.T) {
		var out bytes.Buffer
		(&terminal{out: &out}).table(rows)
		if want := "NAME    STATE\ngrößer  dead\nb       pending\n"; out.String() != want {
			t.Errorf("got\n%s", out.String())
		}
	})
	t.Run("colours do not shift them", func(t *testing.T) {
		var out bytes.Buffer
		(&terminal{out: &out, colour: true}).table(rows)
		if !strings.Contains(out.String(), "größer  \x1b[31mdead\x1b[0m\n") {
			t.Errorf("got\n%q", out.String())
		}
	})
}

func TestWords(t *testing.T) {
	tests := []struct{ got, want string }{
		{count(1, "delivery"), "1 delivery"},
		{count(2, "delivery"), "2 deliveries"},
		{count(0, "webhook"), "0 webhooks"},
		{length(1234 * time.Microsecond), "1.2ms"},
		{length(2345 * time.Millisecond), "2.35s"},
		{length(3661 * time.Second), "1h1m1s"},
		{between(time.Second, time.Second), "1s"},
		{between(time.Second, 1100*time.Millisecond), "1s to 1.1s"},
		{size(512), "512 B"},
		{size(20 << 20), "20 MiB"},
		{rate(0.5), "one in 2s"},
		{rate(50), "50 in a second"},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			if test.got != test.want {
				t.Errorf("got %q", test.got)
			}
		})
	}
}
