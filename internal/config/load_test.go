package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/grapnel-dev/grapnel/internal/config"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/secret"
)

// environment is what the configurations of these tests find in variables.
func environment(name string) (string, bool) {
	value, ok := map[string]string{
		"TOKEN": "Bearer s3cr3t-of-the-tests", "HOST": "mq.internal", "PORT": "5673", "MANY": "5000", "YES": "true", "EMPTY": "",
		"BAD_PORT": "s3cr3t-port", "ODD": `p@$$w(or)d;1 & {$TOKEN}`, "LONG": "s3cr3t hours",
	}[name]
	return value, ok
}

// TestProblems reads every file below testdata/problems: a configuration and what is said about it.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/problems/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, src := unpack(t, archive)
			got := said(src)
			if os.Getenv("UPDATE") != "" {
				update(t, file, archive, got)
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("said (-want +got; UPDATE=1 rewrites the file):\n%s", diff)
			}
			if strings.Contains(got, "s3cr3t") {
				t.Error("a secret or the value of a variable is shown")
			}
		})
	}
}

// unpack writes the files of an archive into the working directory of the test, so that messages name them as they are
// called there.
func unpack(t *testing.T, archive *txtar.Archive) (want string, src config.Source) {
	t.Helper()
	t.Chdir(t.TempDir())
	src.Getenv = environment
	for _, f := range archive.Files {
		switch f.Name {
		case "want":
			want = string(f.Data)
			continue
		case "webhooks.json":
			src.Webhooks = f.Name
		case "connections.json":
			src.Connections = f.Name
		case "grapnel.yaml", "grapnel.json":
			src.File = f.Name
		case "flags":
			for line := range strings.Lines(string(f.Data)) {
				part := strings.Fields(line)
				src.Overrides = append(src.Overrides, config.Override{Flag: part[0], Path: part[1], Value: part[2]})
			}
		}
		if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return want, src
}

func said(src config.Source) string {
	cfg, err := config.Load(src, catalog())
	switch {
	case err != nil:
		return err.Error() + "\n"
	case len(cfg.Warnings) == 0:
		return "valid\n"
	default:
		return "valid\nwarning: " + strings.ReplaceAll(cfg.Warnings.Error(), "\n", "\nwarning: ") + "\n"
	}
}

func update(t *testing.T, file string, archive *txtar.Archive, got string) {
	t.Helper()
	for i, f := range archive.Files {
		if f.Name == "want" {
			archive.Files[i].Data = []byte(got)
		}
	}
	if err := os.WriteFile(filepath.Join(testdir, file), txtar.Format(archive), 0o600); err != nil {
		t.Fatal(err)
	}
}

// testdir is where the package is: tests change the working directory.
var testdir, _ = os.Getwd()

// load reads a configuration that must be valid.
func load(t *testing.T, yaml string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "grapnel.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Source{File: file, Getenv: environment}, catalog())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestWhatIsNotWrittenHasItsDefault(t *testing.T) {
	cfg := load(t, "webhooks: {orders: {module: print, authorization: open sesame}}")
	w := cfg.Webhooks["orders"]
	step := w.Steps[0]
	for what, equal := range map[string]bool{
		"server.listen":     cfg.Server.Listen == "127.0.0.1:8000",
		"admin.listen":      cfg.Admin.Listen == "127.0.0.1:8001",
		"store":             cfg.Store == "./data",
		"retention":         cfg.Retention.Delivered.Std() == 3*24*time.Hour && cfg.Retention.Dead.Std() == 30*24*time.Hour,
		"id":                w.ID == "orders",
		"data_type":         w.DataType == config.JSON,
		"respond.within":    w.Respond.Within.Std() == 4*time.Second,
		"dedupe":            w.Dedupe.Enabled && w.Dedupe.Window.Std() == 7*24*time.Hour,
		"limits":            w.Limits == config.Limits{Body: 10 << 20, Depth: 50, String: 1 << 20},
		"destination":       step.Destination == "orders.print",
		"retry":             !step.Retry.Enabled && step.Retry.MaxAttempts == 3,
		"concurrency":       step.Concurrency == 16,
		"rate_limit":        step.RateLimit == 0,
		"timeout":           step.Timeout.Std() == 10*time.Second,
		"circuit_breaker":   step.CircuitBreaker.Enabled,
		"module's default":  step.Config.(*printer).Format == "line",
		"one step":          len(w.Steps) == 1,
		"one verifier":      len(w.Verifiers) == 1 && w.Verifiers[0].Name == "authorization",
		"nothing to report": len(cfg.Warnings) == 0,
	} {
		if !equal {
			t.Errorf("the default of %s is another: %+v", what, cfg)
		}
	}
}

func TestVariables(t *testing.T) {
	cfg := load(t, `
connections:
  mq: {type: amqp, host: "{$HOST}", port: "{$PORT}", user: "{$USER:app}", pass: "{$ODD}"}
webhooks:
  orders:
    authorization: "Basic {$UNSET:abc}-{$EMPTY}"
    module: broker
    connection: mq
    module-config: {queue_name: "q-{$HOST}"}
    retry: {enabled: "{$YES}", max_attempts: "{$UNSET:7}"}`)
	step := cfg.Webhooks["orders"].Steps[0]
	got := step.Config.(*queue)
	if got.Host != "mq.internal" || got.Port != 5673 || got.User != "app" || got.Queue != "q-mq.internal" {
		t.Errorf("got %+v", got)
	}
	if pass := got.Password.Reveal(); pass != `p@$$w(or)d;1 & {$TOKEN}` {
		t.Errorf("a value is taken verbatim and not expanded again: got %q", pass)
	}
	if !step.Retry.Enabled || step.Retry.MaxAttempts != 7 {
		t.Errorf("booleans and numbers may come from variables: got %+v", step.Retry)
	}
	if token := cfg.Webhooks["orders"].Verifiers[0].Config.(*password).value.Reveal(); token != "Basic abc-" {
		t.Errorf("got %q", token)
	}
}

func TestChains(t *testing.T) {
	cfg := load(t, `
connections: {mq: {type: amqp, host: h}}
webhooks:
  orders:
    connection: mq
    module-config: {queue_name: all, format: pretty}
    retry: {enabled: true, max_attempts: 9}
    timeout: 3m
    chain-config: {execution: parallel, continue_on_error: false, timeout: 60}
    chain:
      - print
      - {module: queue, retry: {max_attempts: 2}}
      - {module: queue, queue_name: other, concurrency: 1}
      - {module: post, name: billing, module-config: {url: "https://example.com", timeout: 5}, rate_limit: 120/m, timeout: null}`)
	w := cfg.Webhooks["orders"]
	if w.Chain != event.ParallelStop {
		t.Errorf("chain is %s", w.Chain)
	}
	var names []string
	for _, s := range w.Steps {
		names = append(names, s.Destination)
	}
	if diff := cmp.Diff([]string{"orders.print", "orders.queue", "orders.queue.2", "orders.billing"}, names); diff != "" {
		t.Error(diff)
	}
	if w.Steps[0].Config.(*printer).Format != "pretty" {
		t.Error("a step inherits the keys of module-config that its module has")
	}
	if r := w.Steps[1].Retry; !r.Enabled || r.MaxAttempts != 2 {
		t.Errorf("a step's retry lies over the webhook's: %+v", r)
	}
	if q := w.Steps[2].Config.(*queue); q.Queue != "other" || q.Host != "h" {
		t.Errorf("a key beside module-config is one of the module, over what is inherited: %+v", q)
	}
	if w.Steps[0].Timeout.Std() != time.Minute {
		t.Errorf("the chain's timeout caps: %s", w.Steps[0].Timeout)
	}
	if s := w.Steps[3]; s.RateLimit != 2 || s.Retry.MaxAttempts != 9 {
		t.Errorf("got %+v", s)
	}
}

func TestTheModulesTimeoutHoldsUnlessTheStepsIsWritten(t *testing.T) {
	cfg := load(t, `
webhooks:
  a: {module: post, module-config: {url: "https://example.com", timeout: 5s}}
  b: {module: post, module-config: {url: "https://example.com", timeout: 5s}, timeout: 7s}`)
	if got := cfg.Webhooks["a"].Steps[0].Timeout.String() + " " + cfg.Webhooks["b"].Steps[0].Timeout.String(); got != "5s 7s" {
		t.Errorf("got %s", got)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := load(t, "admin: {listen: ':8001', token: 'file:"+file+"'}\nwebhooks: {a: {module: print}}")
	if got := cfg.Admin.Token.Reveal(); got != "from a file" {
		t.Errorf("got %q", got)
	}
}

func TestTheRequestLimitAndTheRateOfDeliveriesShareAKey(t *testing.T) {
	cfg := load(t, `
webhooks:
  requests: {module: print, rate_limit: {max_requests: "7", window_seconds: 30}}
  deliveries: {module: print, rate_limit: 100/m}`)
	requests, deliveries := cfg.Webhooks["requests"], cfg.Webhooks["deliveries"]
	if l := requests.RequestLimit; l == nil || l.MaxRequests != 7 || l.Window.Std() != 30*time.Second || requests.Steps[0].RateLimit != 0 {
		t.Errorf("an object bounds requests: %+v", l)
	}
	if deliveries.RequestLimit != nil || deliveries.Steps[0].RateLimit == 0 {
		t.Errorf("a scalar bounds deliveries: %+v", deliveries)
	}
}

func TestAliasesAndMergeKeys(t *testing.T) {
	cfg := load(t, `
webhooks:
  a: &base
    module: post
    module-config: &post {url: "https://example.com/a", allowed_headers: x-one}
    retry: &retry {enabled: true, max_attempts: 5}
  b:
    <<: *base
    module-config: {<<: *post, url: "https://example.com/b"}
    retry: *retry`)
	got := cfg.Webhooks["b"].Steps[0]
	p := got.Config.(*post)
	if p.URL != "https://example.com/b" || len(p.Allowed) != 1 || got.Retry.MaxAttempts != 5 {
		t.Errorf("got %+v %+v", p, got.Retry)
	}
}

func TestTheFingerprintFollowsWhatADestinationIs(t *testing.T) {
	const text = `
connections: {mq: {type: amqp, host: h, user: u, pass: "one"}}
webhooks: {a: {module: queue, connection: mq, queue_name: q}}`
	of := func(text string) string { return load(t, text).Webhooks["a"].Steps[0].Fingerprint() }
	first := of(text)
	if of("# a comment\n"+text) != first {
		t.Error("it does not change by itself")
	}
	if of(strings.ReplaceAll(text, `"one"`, `"two"`)) == first {
		t.Error("it changes with a secret")
	}
	if of(strings.ReplaceAll(text, "module: queue,", "module: queue, concurrency: 2,")) == first {
		t.Error("it changes with how events are delivered")
	}
	if strings.Contains(first, "one") {
		t.Error("it holds no secret")
	}
}

func TestRedacted(t *testing.T) {
	cfg := load(t, `
admin: {token: open sesame}
connections: {mq: {type: amqp, host: "{$HOST}", user: u, pass: "{$TOKEN}"}}
webhooks:
  a: {authorization: "{$TOKEN}", module: queue, connection: mq, queue_name: q}
  b: {signature: {secret: hush hush}, module: post, module-config: {url: "https://me:hush@example.com", headers: {X-Key: hush}}}`)
	shown := cfg.Redacted().(map[string]any)
	webhooks := shown["webhooks"].(map[string]any)
	a, b := webhooks["a"].(map[string]any), webhooks["b"].(map[string]any)
	queue := a["chain"].([]any)[0].(map[string]any)["module-config"].(map[string]any)
	post := b["chain"].([]any)[0].(map[string]any)["module-config"].(map[string]any)
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"a secret", shown["admin"].(map[string]any)["token"], secret.Redacted},
		{"a secret from a variable", queue["pass"], secret.Redacted},
		{"a secret in a map", post["headers"].(map[string]any)["X-Key"], secret.Redacted},
		{"a method's secret", b["signature"].(map[string]any)["secret"], secret.Redacted},
		{"a method that is one secret", a["authorization"], "{$TOKEN}"},
		{"a variable", queue["host"], "{$HOST}"},
		{"the password in an address", post["url"], "https://me:xxxxx@example.com"},
		{"a default", queue["port"], 5672},
		{"a duration", a["respond"].(map[string]any)["within"], "4s"},
	} {
		if c.got != c.want {
			t.Errorf("%s is shown as %v, want %v", c.what, c.got, c.want)
		}
	}
}
