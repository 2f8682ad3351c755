package savetodisk_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/destination/destinationtest"
	"github.com/grapnel-dev/grapnel/internal/destination/savetodisk"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config() *savetodisk.Config { return savetodisk.Module().Config().(*savetodisk.Config) }

func TestConformance(t *testing.T) {
	t.Run("raw", func(t *testing.T) {
		base := t.TempDir()
		destinationtest.Run(t, destinationtest.Harness{
			Open: func(t *testing.T) destination.Destination {
				t.Helper()
				c := config()
				c.BaseDir, c.Path, c.FilenamePattern = base, "new/events", "{webhook}/{date}/{id}"
				return open(t, c)
			},
			Received: func(t *testing.T) map[string][][]byte {
				t.Helper()
				return files(t, base, func(name string, content []byte) (string, []byte) { return filepath.Base(name), content })
			},
		})
	})
	t.Run("json", func(t *testing.T) {
		base := t.TempDir()
		destinationtest.Run(t, destinationtest.Harness{
			Open: func(t *testing.T) destination.Destination {
				t.Helper()
				c := config()
				c.BaseDir, c.Format = base, "json"
				return open(t, c)
			},
			Received: func(t *testing.T) map[string][][]byte {
				t.Helper()
				return files(t, base, parseEnvelope(t))
			},
		})
	})
}

func parseEnvelope(t *testing.T) func(string, []byte) (string, []byte) {
	t.Helper()
	return func(name string, content []byte) (string, []byte) {
		var envelope struct {
			ID         string
			Body       string
			BodyBase64 []byte `json:"body_base64"`
		}
		if err := json.Unmarshal(content, &envelope); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return envelope.ID, append([]byte(envelope.Body), envelope.BodyBase64...)
	}
}

func open(t *testing.T, c *savetodisk.Config) destination.Destination {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	d, err := c.Open(destination.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// files reads all files that are complete, and the events in them.
func files(t *testing.T, base string, parse func(name string, content []byte) (id string, body []byte)) map[string][][]byte {
	t.Helper()
	found := map[string][][]byte{}
	err := filepath.WalkDir(base, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, ".tmp") {
			return err
		}
		content, err := os.ReadFile(name)
		id, body := parse(name, content)
		found[id] = append(found[id], body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func example() *event.Event {
	return &event.Event{
		ID:         "0198c7a2-0000-7000-8000-000000000001",
		Webhook:    "shop/orders",
		ReceivedAt: time.Date(2026, 11, 24, 23, 30, 0, 123456789, time.FixedZone("", -3600)),
		Method:     "POST", URL: "/webhook/shop/orders?a=1",
		Header: map[string][]string{"Content-Type": {"application/json; charset=utf-8"}},
		Body:   []byte(`{"a": "<&>"}`),
	}
}

func TestNames(t *testing.T) {
	for pattern, want := range map[string]string{
		"{id}.{ext}":                       "in/0198c7a2-0000-7000-8000-000000000001.json",
		"{webhook}/{date}/{timestamp}{id}": "in/shop.orders/2026-11-25/20261125T003000.123Z0198c7a2-0000-7000-8000-000000000001",
	} {
		c := config()
		c.BaseDir, c.Path, c.FilenamePattern = t.TempDir(), "in", pattern
		receipt, err := open(t, c).Deliver(t.Context(), example())
		if err != nil || receipt.ID != want {
			t.Errorf("%s: receipt %q, %v, want %q", pattern, receipt.ID, err, want)
		}
		content, err := os.ReadFile(filepath.Join(c.BaseDir, want))
		if err != nil || string(content) != string(example().Body) {
			t.Errorf("%s: %q, %v", pattern, content, err)
		}
	}
}

func TestEndings(t *testing.T) {
	for kind, want := range map[string]string{
		"application/json": ".json", "application/cloudevents+json": ".json", "text/xml": ".xml", "application/atom+xml": ".xml",
		"text/plain; charset=utf-8": ".txt", "application/x-www-form-urlencoded": ".txt", "image/png": ".bin", "": ".bin", "/": ".bin",
	} {
		c, e := config(), example()
		c.BaseDir = t.TempDir()
		e.Header.Set("Content-Type", kind)
		receipt, err := open(t, c).Deliver(t.Context(), e)
		if got := filepath.Ext(receipt.ID); err != nil || got != want {
			t.Errorf("%q: file %q, %v, want %q", kind, receipt.ID, err, want)
		}
	}
}

func TestEnvelope(t *testing.T) {
	c := config()
	c.BaseDir, c.Format = t.TempDir(), "json"
	receipt, err := open(t, c).Deliver(t.Context(), example())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(c.BaseDir, receipt.ID))
	want := `{
  "id": "0198c7a2-0000-7000-8000-000000000001",
  "webhook": "shop/orders",
  "received_at": "2026-11-25T00:30:00.123456789Z",
  "method": "POST",
  "url": "/webhook/shop/orders?a=1",
  "headers": {
    "Content-Type": [
      "application/json; charset=utf-8"
    ]
  },
  "body": "{\"a\": \"<&>\"}"
}
`
	if err != nil || string(got) != want {
		t.Fatalf("%v\n%s", err, got)
	}
}

func TestFiles(t *testing.T) {
	t.Run("delivering again replaces the file", func(t *testing.T) {
		c := config()
		c.BaseDir = t.TempDir()
		d := open(t, c)
		for range 2 {
			if _, err := d.Deliver(t.Context(), example()); err != nil {
				t.Fatal(err)
			}
		}
		entries, err := os.ReadDir(c.BaseDir)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%d files, %v", len(entries), err)
		}
	})
	t.Run("nobody else can read them", func(t *testing.T) {
		c := config()
		c.BaseDir, c.Path = t.TempDir(), "a/b"
		receipt, err := open(t, c).Deliver(t.Context(), example())
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]fs.FileMode{"a": fs.ModeDir | 0o700, "a/b": fs.ModeDir | 0o700, receipt.ID: 0o600} {
			info, err := os.Stat(filepath.Join(c.BaseDir, name))
			if err != nil || info.Mode() != want {
				t.Errorf("%s: mode %s, %v, want %s", name, info.Mode(), err, want)
			}
		}
	})
	t.Run("a missing base directory is made", func(t *testing.T) {
		c := config()
		c.BaseDir = filepath.Join(t.TempDir(), "not", "yet")
		if _, err := open(t, c).Deliver(t.Context(), example()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a probe leaves nothing behind", func(t *testing.T) {
		c := config()
		c.BaseDir = t.TempDir()
		if err := open(t, c).(destination.Prober).Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if entries, _ := os.ReadDir(c.BaseDir); len(entries) != 0 {
			t.Fatalf("left: %v", entries)
		}
	})
}

func TestNothingLeavesTheBaseDirectory(t *testing.T) {
	t.Run("a symbolic link is not followed out", func(t *testing.T) {
		outside := t.TempDir()
		c := config()
		c.BaseDir, c.Path = t.TempDir(), "link"
		if err := os.Symlink(outside, filepath.Join(c.BaseDir, "link")); err != nil {
			t.Fatal(err)
		}
		d := open(t, c)
		_, err := d.Deliver(t.Context(), example())
		if f := fault.From(err); f == nil || f.Class != fault.ConfigurationError || f.Code != "path_escapes" {
			t.Fatalf("deliver: %v", err)
		}
		if err := d.(destination.Prober).Probe(t.Context()); err == nil {
			t.Error("the probe says that it works")
		}
		if entries, _ := os.ReadDir(outside); len(entries) != 0 {
			t.Fatalf("written outside: %v", entries)
		}
	})
	t.Run("names from outside make no paths", func(t *testing.T) {
		c, e := config(), example()
		c.BaseDir, c.FilenamePattern = t.TempDir(), "{webhook}-{id}"
		e.ID, e.Webhook = "../../x", "../\x00/etc\\passwd"
		receipt, err := open(t, c).Deliver(t.Context(), e)
		if want := "_..._.etc_passwd-_..._...x"; err != nil || strings.ContainsAny(receipt.ID, "/\\\x00") {
			t.Fatalf("file %q, %v, want something like %q", receipt.ID, err, want)
		}
	})
}

func TestValidate(t *testing.T) {
	base := t.TempDir()
	for _, rule := range []struct {
		set  func(*savetodisk.Config)
		want string // empty: valid
	}{
		{set: func(c *savetodisk.Config) { c.Path = "a/b" }},
		{set: func(c *savetodisk.Config) { c.Path = filepath.Join(base, "inside") }},
		{set: func(c *savetodisk.Config) { c.Path = base }},
		{set: func(c *savetodisk.Config) { c.FilenamePattern = "{webhook}/{id}" }},
		{set: func(c *savetodisk.Config) { c.Path = "../x" }, want: "path: must not"},
		{set: func(c *savetodisk.Config) { c.Path = "a/../../x" }, want: "path: must not"},
		{set: func(c *savetodisk.Config) { c.Path = "/etc" }, want: "path: /etc is outside of base_dir"},
		{set: func(c *savetodisk.Config) { c.Path = base + "-evil" }, want: "is outside of base_dir"},
		{set: func(c *savetodisk.Config) { c.Path = "a\x00b" }, want: "path: contains a NUL"},
		{set: func(c *savetodisk.Config) { c.FilenamePattern = "{timestamp}.json" }, want: "must contain {id}"},
		{set: func(c *savetodisk.Config) { c.FilenamePattern = "{id}{user}" }, want: "unknown placeholder {user}"},
		{set: func(c *savetodisk.Config) { c.FilenamePattern = "../{id}" }, want: "want a relative name"},
		{set: func(c *savetodisk.Config) { c.FilenamePattern = "/{id}" }, want: "want a relative name"},
		{set: func(c *savetodisk.Config) { c.FilenamePattern = "a//{id}" }, want: "want a relative name"},
		{set: func(c *savetodisk.Config) { c.FilenamePattern = "{id}/" }, want: "want a relative name"},
		{set: func(c *savetodisk.Config) { c.FilenamePattern = "{id" }, want: "must contain {id}"},
		{set: func(c *savetodisk.Config) { c.FilenamePattern = "{id}}" }, want: "beside the placeholders"},
		{set: func(c *savetodisk.Config) { c.FilenamePattern = "{id}\x00" }, want: "beside the placeholders"},
	} {
		c := config()
		c.BaseDir = base
		rule.set(c)
		err := c.Validate()
		if (err == nil) != (rule.want == "") || err != nil && !strings.Contains(err.Error(), rule.want) {
			t.Errorf("path %q, pattern %q: %v, want %q", c.Path, c.FilenamePattern, err, rule.want)
		}
	}
}

func TestClasses(t *testing.T) {
	t.Run("a file in place of the directory is the configuration's fault", func(t *testing.T) {
		c := config()
		c.BaseDir, c.Path = t.TempDir(), "file"
		if err := os.WriteFile(filepath.Join(c.BaseDir, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wantClass(t, c, fault.ConfigurationError)
	})
	t.Run("a directory that cannot be written is a refused permission", func(t *testing.T) {
		c := config()
		c.BaseDir = "/sys/kernel" // refuses even root
		wantClass(t, c, fault.PermissionDenied)
	})
}

func wantClass(t *testing.T, c *savetodisk.Config, want ...fault.Class) {
	t.Helper()
	d := open(t, c)
	_, err := d.Deliver(t.Context(), example())
	if f := fault.From(err); f == nil || !slices.Contains(want, f.Class) {
		t.Errorf("deliver: %v, want one of %v", err, want)
	}
	if f := fault.From(d.(destination.Prober).Probe(t.Context())); f == nil || !slices.Contains(want, f.Class) {
		t.Errorf("probe: %v, want one of %v", f, want)
	}
	if bytes.Contains([]byte(err.Error()), example().Body) {
		t.Errorf("the error tells the payload: %v", err)
	}
}
