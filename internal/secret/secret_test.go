package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASecretNeverPrints(t *testing.T) {
	v := New("hunter2")
	wrapped := struct{ V, hidden Value }{v, v}
	var out bytes.Buffer
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", v, &v, wrapped)
	}
	if err := json.NewEncoder(&out).Encode(wrapped); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("one", "secret", v, "in a struct", wrapped)
	slog.New(slog.NewTextHandler(&out, nil)).Info("one", "secret", v, "in a struct", wrapped)
	if s := out.String(); strings.Contains(s, "hunter2") || strings.Contains(s, "68756e74657232") {
		t.Errorf("the secret was printed:\n%s", s)
	}
}

func TestEqual(t *testing.T) {
	tests := []struct {
		secret, given string
		want          bool
	}{{"a", "a", true}, {"a", "b", false}, {"a", "", false}, {"", "", false}, {"", "a", false}}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%q and %q: %v", test.secret, test.given, test.want), func(t *testing.T) {
			if got := New(test.secret).Equal(test.given); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestSecretFiles(t *testing.T) {
	write := func(t *testing.T, content string) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file:" + path
	}
	t.Run("the last line break of a file is not part of the secret", func(t *testing.T) {
		var v Value
		if err := v.UnmarshalText([]byte(write(t, "hunter2\n"))); err != nil || v.Reveal() != "hunter2" {
			t.Errorf("got %q, %v", v.Reveal(), err)
		}
	})
	t.Run("an empty file is an error", func(t *testing.T) {
		if err := new(Value).UnmarshalText([]byte(write(t, "\n"))); err == nil {
			t.Error("it was taken for a secret")
		}
	})
	t.Run("a missing file is an error", func(t *testing.T) {
		if err := new(Value).UnmarshalText([]byte("file:/nowhere/secret")); err == nil {
			t.Error("it was taken for a secret")
		}
	})
}
