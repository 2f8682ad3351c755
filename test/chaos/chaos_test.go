// Package chaos ends the real gateway again and again while it works, and then holds a ledger of its own against what
// became of the events.
//
// The ledger lives in the test's process: what senders were answered, and what arrived at the destinations. A power cut
// is another matter: what the disk had not confirmed is dropped in the store's own tests.
package chaos

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/test/gatewaytest"
)

func TestMain(m *testing.M) { os.Exit(gatewaytest.Main(m)) }

// webhook is one of those under test. Its deliveries go to /{name}/{step} of the sink.
type webhook struct {
	name  string
	steps int
	yaml  string // with SINK for the sink's address
}

// patient is a retry policy under which nothing is given up while the destinations misbehave.
const patient = `retry: {enabled: true, max_attempts: 1000, initial_delay: 30ms, max_delay: 300ms}, timeout: 3s, circuit_breaker: {cooldown: 1s}`

func webhooks() []webhook {
	return []webhook{
		{"background", 1, `{respond: {within: 0s}, ` + patient + `, module: http_webhook, module-config: {url: "SINK/background/0"}}`},
		{"waited", 1, `{respond: {within: 200ms}, ` + patient + `, module: http_webhook, module-config: {url: "SINK/waited/0"}}`},
		{"once", 1, `{timeout: 3s, module: http_webhook, module-config: {url: "SINK/once/0"}}`},
		{"chain", 3, `{respond: {within: 0s}, ` + patient + `, chain-config: {execution: sequential}, chain: [
      {name: first, module: http_webhook, module-config: {url: "SINK/chain/0"}},
      {name: second, module: http_webhook, module-config: {url: "SINK/chain/1"}},
      {name: third, module: http_webhook, module-config: {url: "SINK/chain/2"}}]}`},
	}
}

func configuration(sink string) string {
	var text strings.Builder
	for _, w := range webhooks() {
		text.WriteString("  " + w.name + ": " + w.yaml + "\n")
	}
	return strings.ReplaceAll(text.String(), "SINK", sink)
}

// run is one gateway with senders, destinations and a ledger.
type run struct {
	random  *rand.Rand
	gateway *gatewaytest.Gateway
	sink    *sink
	ledger  *ledger
}

// start prepares everything. The dice are reproducible: GRAPNEL_CHAOS_SEED.
func start(t *testing.T) *run {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("GRAPNEL_CHAOS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("GRAPNEL_CHAOS_SEED=%d", seed)
	r := &run{random: rand.New(rand.NewPCG(seed, 1)), ledger: newLedger()}
	r.sink = newSink(t, r.ledger, rand.New(rand.NewPCG(seed, 2)))
	r.gateway = gatewaytest.New(t, configuration(r.sink.URL))
	return r
}

// TestKill: the process is killed at random moments, also while it starts.
func TestKill(t *testing.T) {
	r := start(t)
	senders := startSenders(t, r.gateway.URL, r.ledger)
	for range rounds(40) {
		r.gateway.Launch()
		r.dress()
		if r.random.IntN(6) > 0 {
			r.gateway.AwaitReady()
		}
		r.letRun(500 * time.Millisecond)
		r.ledger.lifeEnds()
		r.gateway.Kill()
		r.sink.quiet(t)
		r.ledger.nextLife()
	}
	r.verdict(t, senders)
}

// TestStop: the process is asked to end. Nothing is lost, and nothing is delivered twice.
func TestStop(t *testing.T) {
	r := start(t)
	senders := startSenders(t, r.gateway.URL, r.ledger)
	for range rounds(12) {
		r.gateway.Start()
		r.dress()
		r.letRun(time.Second)
		r.ledger.lifeEnds()
		if code := r.gateway.Stop(); code != 0 {
			t.Errorf("SIGTERM: exit code %d; output:\n%s", code, r.gateway.Log())
		}
		r.sink.quiet(t)
		r.ledger.nextLife()
	}
	if d := r.verdict(t, senders); d.total > 0 {
		t.Errorf("%d duplicates after SIGTERM: what was under way was not finished", d.total)
	}
}

func rounds(n int) int {
	if testing.Short() {
		return n / 6
	}
	return n
}

// dress gives the destinations a mood for the next life.
func (r *run) dress() {
	r.sink.mood.Store(int32([]mood{flaky, flaky, flaky, flaky, healthy, down}[r.random.IntN(6)]))
}

// letRun lets a random time pass: the moment of the kill is the subject.
func (r *run) letRun(atMost time.Duration) {
	<-time.After(time.Duration(r.random.Int64N(int64(atMost))))
}

// verdict starts a last life in which the destinations are well, lets everything end, and judges.
func (r *run) verdict(t *testing.T, s *senders) duplicates {
	t.Helper()
	r.gateway.Start()
	r.sink.mood.Store(int32(healthy))
	s.finish()
	drain(t, r.gateway)
	checkConservation(t, r.gateway, r.ledger)
	if code := r.gateway.Stop(); code != 0 {
		t.Errorf("exit code %d; output:\n%s", code, r.gateway.Log())
	}
	checkDelivered(t, r.ledger)
	checkChains(t, r.ledger)
	d := checkDuplicates(t, r.ledger)
	figures(t, r.ledger, s, d)
	return d
}
