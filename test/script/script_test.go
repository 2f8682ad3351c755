// Package script tests what a user types and sees: the scripts in testdata, and every example in the documentation, are
// run with the real command line and a real gateway.
package script

import (
	"context"
	"net"
	"net/http"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/grapnel-dev/grapnel/internal/cli"
)

// patience is how long a script waits for what it expects to come.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"grapnel": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, params("testdata"))
}

// params are those of a run. Every script has three addresses of its own: $PUBLIC, $ADMIN and $OTHER.
func params(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready":   ready,
			"until":   until,
			"capture": capture,
		},
	}
}

func setup(env *testscript.Env) error {
	for _, name := range []string{"PUBLIC", "ADMIN", "OTHER"} {
		address, err := freeAddress(context.Background())
		if err != nil {
			return err
		}
		env.Setenv(name, address)
	}
	env.Setenv("GRAPNEL_ADMIN", "http://"+env.Getenv("ADMIN"))
	env.Setenv("COLUMNS", "100")
	env.Setenv("TZ", "UTC")
	return nil
}

// freeAddress is an address on loopback that nobody listens on now.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// ready waits until the gateway says that it is: ready $ADMIN.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready ADDRESS")
	}
	eventually(ts, "the gateway is ready", func() bool {
		response, err := http.Get("http://" + args[0] + "/readyz")
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode == http.StatusOK
	})
}

// until runs a command until its output matches: until 'delivered' grapnel event $ID.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP COMMAND [ARGUMENTS]")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	eventually(ts, "the output matches "+args[0], func() bool {
		_ = ts.Exec(args[1], args[2:]...)
		return pattern.MatchString(ts.ReadFile("stdout"))
	})
}

// capture keeps the first group of what matches in the output of the last command: capture ID '"id":"([^"]+)"'.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture VARIABLE REGEXP")
	}
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("nothing matches %s in:\n%s", args[1], ts.ReadFile("stdout"))
	}
	ts.Setenv(args[0], found[1])
}

func eventually(ts *testscript.TestScript, what string, holds func() bool) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			ts.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}
