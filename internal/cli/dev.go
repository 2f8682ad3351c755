package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/grapnel-dev/grapnel/examples/demo"
	"github.com/grapnel-dev/grapnel/internal/app"
	"github.com/grapnel-dev/grapnel/internal/config"
)

// dev runs a gateway with the demo configuration, and a destination that fails now and then.
type dev struct {
	logging
	Dir         string `help:"Keep the configuration and the events in this directory. Without it they go when the gateway stops." placeholder:"DIR"`
	Listen      string `help:"Address for senders." default:"127.0.0.1:8000" placeholder:"HOST:PORT"`
	AdminListen string `help:"Address for operators." default:"127.0.0.1:8001" placeholder:"HOST:PORT"`
	FlakyListen string `help:"Address of the demo's destination, which refuses events that are younger than five seconds." default:"127.0.0.1:8002" placeholder:"HOST:PORT"`
}

// Help is shown by kong.
func (*dev) Help() string {
	return `It says what to do next. The configuration is DIR/grapnel.yaml: change it and save, and it is loaded anew.

Examples:

    grapnel dev
    grapnel dev --dir ./demo-data    events outlive the process, also kill -9`
}

// Run is called by kong.
func (d *dev) Run(ctx context.Context, t *terminal) error {
	if d.Dir == "" {
		temporary, err := os.MkdirTemp("", "grapnel-dev-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(temporary) }()
		d.Dir = temporary
	}
	if err := d.prepare(); err != nil {
		return err
	}
	destination, err := startFlaky(ctx, d.FlakyListen)
	if err != nil {
		return err
	}
	gatewayErr := runGateway(ctx, app.Options{Source: d.demo(), Logger: d.logger(t), Version: buildVersion()}, func() { d.introduce(t) })
	return errors.Join(gatewayErr, destination.stop())
}

// prepare puts the demo configuration into the directory, unless there is one.
func (d *dev) prepare() error {
	if err := os.MkdirAll(d.Dir, 0o750); err != nil {
		return err
	}
	file, err := os.OpenFile(d.config(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(demo.Config)
	return errors.Join(err, file.Close())
}

func (d *dev) config() string { return filepath.Join(d.Dir, "grapnel.yaml") }

// demo is the demo configuration, with the addresses that were asked for.
func (d *dev) demo() config.Source {
	overrides := settings{Listen: d.Listen, AdminListen: d.AdminListen, Store: filepath.Join(d.Dir, "events")}.overrides()
	variables := map[string]string{"DEMO_FLAKY": "http://" + reachable(d.FlakyListen), "DEMO_DIR": d.Dir}
	getenv := func(name string) (string, bool) {
		if value, ok := variables[name]; ok {
			return value, true
		}
		return os.LookupEnv(name)
	}
	return config.Source{File: d.config(), Overrides: overrides, Getenv: getenv}
}

// introduce tells what to do next. A configuration that was changed may lack the webhooks that it tells of.
func (d *dev) introduce(t *terminal) {
	self, admin := cmp.Or(os.Args[0], "grapnel"), ""
	if d.AdminListen != "127.0.0.1:8001" {
		admin = " --admin http://" + reachable(d.AdminListen)
	}
	t.printf("%s The configuration is %s: change it, and it is loaded anew.\n", t.paint(bold, "Grapnel is running."), d.config())
	t.printf("\n%s\n\n%s\n", t.paint(bold, "1. Send an event; it is logged here:"), d.curl("hello", `{"hello":"grapnel"}`))
	t.printf("\n%s\n\n%s\n", t.paint(bold, "2. Send a signed one to a destination that refuses it for five seconds, so that it takes three tries:"), d.curl("orders", `{"order":42}`))
	t.printf("\n%s\n\n%s\n", t.paint(bold, "3. Send one to a destination that refuses it for good, so that it becomes a dead letter:"), d.curl("refused", `{"order":43}`))
	t.printf("\n%s\n\n", t.paint(bold, "4. See what became of them, in another terminal:"))
	for _, command := range []string{"events", "event ID", "dead", "replay ID"} {
		t.printf("%s %s%s\n", self, command, admin)
	}
	t.printf("curl http://%s/metrics\n", reachable(d.AdminListen))
	t.printf("\n%s\n\nkill -9 %d\n\n", t.paint(bold, "5. Send 2. again, kill it before the third try, and start it again. Nothing is lost:"), os.Getpid())
}

// curl is a signed request to a webhook of the running configuration, as a command.
func (d *dev) curl(webhook, body string) string {
	loaded, err := config.Load(d.demo(), app.Catalog())
	if err != nil || loaded.Webhooks[webhook] == nil {
		return fmt.Sprintf("(the configuration has no webhook %q any more)", webhook)
	}
	header, _ := parseHeader(nil)
	request, err := sign(loaded.Webhooks[webhook], "http://"+reachable(d.Listen), loaded.Server.PublicURL, header, []byte(body))
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return request.curl()
}
