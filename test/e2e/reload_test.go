package e2e

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/test/gatewaytest"
)

const (
	one = "  one: {module: log}\n"
	two = "  one: {module: log}\n  two: {module: log}\n"
)

func TestReload(t *testing.T) {
	t.Run("when the file is written", func(t *testing.T) {
		g := gateway(t, one, nil)
		g.Configure(two)
		awaitWebhook(t, g, "two")
	})
	t.Run("when another file is renamed over it", func(t *testing.T) {
		g := gateway(t, one, nil)
		next := g.Config + ".next"
		write(t, next, g.Document(two))
		if err := os.Rename(next, g.Config); err != nil {
			t.Fatal(err)
		}
		awaitWebhook(t, g, "two")
	})
	t.Run("when a link on its way is swapped, as Kubernetes does", func(t *testing.T) {
		g := gatewaytest.New(t, one)
		dir := filepath.Dir(g.Config)
		for name, webhooks := range map[string]string{"v1": one, "v2": two} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, name, "grapnel.yaml"), g.Document(webhooks))
		}
		link(t, "v1", filepath.Join(dir, "..data"))
		link(t, filepath.Join("..data", "grapnel.yaml"), g.Config)
		g.Start()
		link(t, "v2", filepath.Join(dir, "..data"))
		awaitWebhook(t, g, "two")
	})
	t.Run("at SIGHUP, which also reads secrets anew", func(t *testing.T) {
		secret := filepath.Join(t.TempDir(), "token")
		write(t, secret, "first-token-of-this-test")
		g := gateway(t, `  one: {authorization: "file:`+secret+`", module: log}`, nil)
		if got := g.Post("one", `{}`, "Authorization: first-token-of-this-test"); got.Code != http.StatusOK {
			t.Fatalf("answered %d, want 200", got.Code)
		}
		write(t, secret, "second-token-of-this-test")
		g.Signal(syscall.SIGHUP)
		gatewaytest.Eventually(t, soon, "the new token is known", func() bool {
			return g.Post("one", `{}`, "Authorization: second-token-of-this-test").Code == http.StatusOK
		})
		if got := g.Post("one", `{}`, "Authorization: first-token-of-this-test"); got.Code != http.StatusUnauthorized {
			t.Errorf("the old token was answered %d, want 401", got.Code)
		}
	})
	t.Run("by the API", func(t *testing.T) {
		g := gateway(t, one, nil)
		g.Configure(two)
		if _, err := g.Admin.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := g.Post("two", `{}`); got.Code != http.StatusOK {
			t.Errorf("answered %d right after the reload", got.Code)
		}
	})
}

func TestABrokenConfigurationKeepsTheRunningOne(t *testing.T) {
	g := gateway(t, one, nil)
	g.Configure("  one: {module: log, retry: {max_attempts: 5000}}\n  two: {modul: log}\n")
	_, err := g.Admin.Reload(t.Context())
	problem, ok := errors.AsType[*api.Problem](err)
	if !ok || problem.Status != http.StatusUnprocessableEntity {
		t.Fatalf("reload: %v, want 422", err)
	}
	told := strings.Join(append(problem.Errors, problem.Detail), "\n")
	for _, want := range []string{"grapnel.yaml:5:", "max_attempts", "1..1000", "grapnel.yaml:6:", "module"} {
		if !strings.Contains(told, want) {
			t.Errorf("the errors do not say %q:\n%s", want, told)
		}
	}
	if got := g.Post("one", `{}`); got.Code != http.StatusOK {
		t.Errorf("the running configuration answered %d", got.Code)
	}
	if got := g.Post("two", `{}`); got.Code != http.StatusNotFound {
		t.Errorf("half of the broken configuration is in use: %d", got.Code)
	}
	overview, err := g.Admin.Overview(t.Context())
	if err != nil || overview.Config.LastError == "" {
		t.Errorf("the overview does not show the refused configuration (%v)", err)
	}
	if output, code := g.Run("check", "--config", g.Config); code == 0 || !strings.Contains(output, "max_attempts") {
		t.Errorf("grapnel check: exit code %d: %s", code, output)
	}
	t.Run("and does not start", func(t *testing.T) {
		g.Stop()
		g.Launch()
		if code := g.AwaitExit(); code == 0 {
			t.Error("exit code 0 with a broken configuration")
		}
	})
}

func TestAReloadLosesNothingUnderWay(t *testing.T) {
	sink := gatewaytest.NewSink(t, nil)
	config := strings.ReplaceAll(`  orders: {respond: {within: 0s}, retry: {enabled: true, initial_delay: 50ms}, module: http_webhook, module-config: {url: "SINK/orders", headers: {X-Version: "VERSION"}}}`, "SINK", sink.URL)
	g := gatewaytest.New(t, strings.ReplaceAll(config, "VERSION", "0"))
	g.Start()
	ids := map[string]bool{}
	for n := range 10 {
		for range 20 {
			answer := g.Post("orders", `{}`)
			if !answer.Accepted() {
				t.Fatalf("answered %d", answer.Code)
			}
			ids[answer.ID] = true
		}
		g.Configure(strings.ReplaceAll(config, "VERSION", string(rune('a'+n))))
		if _, err := g.Admin.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	gatewaytest.Eventually(t, soon, "everything has arrived", func() bool { return len(sink.Arrivals("/orders")) >= len(ids) })
	seen := map[string]int{}
	for _, a := range sink.Arrivals("/orders") {
		seen[a.EventID]++
	}
	for id := range ids {
		if seen[id] != 1 {
			t.Errorf("event %s arrived %d times", id, seen[id])
		}
	}
}

func awaitWebhook(t *testing.T, g *gatewaytest.Gateway, webhook string) {
	t.Helper()
	gatewaytest.Eventually(t, soon, "webhook "+webhook+" is there", func() bool {
		return g.Post(webhook, `{}`).Code == http.StatusOK
	})
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// link makes a symbolic link, in one step also where there is something already.
func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}
