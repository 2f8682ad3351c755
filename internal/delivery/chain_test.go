package delivery

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func TestChains(t *testing.T) {
	slow, refuses := takes(time.Second), failsWith(fault.New(fault.ValidationError, "answered 422"), -1)
	tests := []struct {
		rule    string
		chain   event.Chain
		steps   [3]func(context.Context, *event.Event) error
		want    []event.State
		began   [3]time.Duration // -1: never
		answer  bool
		answers time.Duration
	}{
		{
			"steps of a parallel chain run at once", event.Parallel,
			[...]func(context.Context, *event.Event) error{slow, slow, slow},
			[]event.State{event.Delivered, event.Delivered, event.Delivered},
			[...]time.Duration{0, 0, 0},
			true, 1,
		},
		{
			"steps of a sequential chain run one after the other", event.Sequential,
			[...]func(context.Context, *event.Event) error{slow, slow, slow},
			[]event.State{event.Delivered, event.Delivered, event.Delivered},
			[...]time.Duration{0, 1, 2},
			true, 3,
		},
		{
			"a chain that continues goes on after a failure", event.Sequential,
			[...]func(context.Context, *event.Event) error{slow, refuses, slow},
			[]event.State{event.Delivered, event.Dead, event.Delivered},
			[...]time.Duration{0, 1, 1},
			false, 1,
		},
		{
			"a chain that stops skips the rest", event.SequentialStop,
			[...]func(context.Context, *event.Event) error{slow, refuses, slow},
			[]event.State{event.Delivered, event.Dead, event.Skipped},
			[...]time.Duration{0, 1, -1},
			false, 1,
		},
		{
			"a parallel chain that stops lets attempts under way end", event.ParallelStop,
			[...]func(context.Context, *event.Event) error{slow, refuses, slow},
			[]event.State{event.Delivered, event.Dead, event.Delivered},
			[...]time.Duration{0, 0, 0},
			false, 0,
		},
		{
			"a parallel chain that stopped tries nothing again", event.ParallelStop,
			[...]func(context.Context, *event.Event) error{slow, refuses, failsAfter(time.Second)},
			[]event.State{event.Delivered, event.Dead, event.Skipped},
			[...]time.Duration{0, 0, 0},
			false, 0,
		},
	}
	names := []string{"orders.0", "orders.1", "orders.2"}
	for _, test := range tests {
		inWorld(t, test.rule, func(w *world) {
			targets, specs := make([]*target, 3), make([]Spec, 3)
			for i, name := range names {
				targets[i] = newTarget(test.steps[i])
				specs[i] = spec(name, targets[i])
			}
			w.start(specs...)
			id, done := w.accept(test.chain, names...)
			w.hears(done, test.answer, test.answers*time.Second)
			w.wait(time.Minute)
			w.stands(id, test.want...)
			for i, want := range test.began {
				wanted := seconds(want)
				if want < 0 {
					wanted = nil
				}
				if got := targets[i].attempts(); !slices.Equal(got, wanted) {
					t.Errorf("step %d was attempted at %v, want %v", i, got, wanted)
				}
			}
		})
	}
	inWorld(t, "a sequential chain goes on after a restart where it stood", func(w *world) {
		first, second := newTarget(slow), newTarget(slow)
		w.start(spec("orders.0", first), spec("orders.1", second))
		id, _ := w.accept(event.Sequential, "orders.0", "orders.1")
		w.wait(1500 * time.Millisecond)
		w.start(spec("orders.0", first), spec("orders.1", second))
		w.wait(time.Minute)
		w.stands(id, event.Delivered, event.Delivered)
		if got := len(first.attempts()); got != 1 {
			t.Errorf("the first step was run %d times", got)
		}
	})
}

func TestOperators(t *testing.T) {
	inWorld(t, "a replayed delivery has all its attempts again", func(w *world) {
		d := newTarget(failsWith(unavailable(), 5))
		w.start(spec("orders.a", d))
		id, _ := w.accept(event.Parallel, "orders.a")
		w.wait(time.Minute)
		w.stands(id, event.Dead)
		if moved, err := w.engine.Replay(t.Context(), store.Filter{EventID: id}, 0); err != nil || len(moved) != 1 {
			t.Fatalf("moved %v, %v", moved, err)
		}
		w.wait(time.Minute)
		w.stands(id, event.Delivered)
		if got, want := d.attempts(), seconds(0, 1, 3, 60, 61, 63); !slices.Equal(got, want) {
			t.Errorf("attempts at %v, want %v", got, want)
		}
	})
	inWorld(t, "a sender hears at once that its delivery was discarded", func(w *world) {
		w.start(spec("orders.a", newTarget(failsWith(unavailable(), -1))))
		id, done := w.accept(event.Parallel, "orders.a")
		w.wait(500 * time.Millisecond)
		if _, err := w.engine.Discard(t.Context(), store.Filter{EventID: id}, 0); err != nil {
			t.Fatal(err)
		}
		w.hears(done, false, 500*time.Millisecond)
		w.stands(id, event.Discarded)
	})
	inWorld(t, "a sender that stopped waiting leaves nothing behind", func(w *world) {
		w.start(spec("orders.a", newTarget(failsWith(unavailable(), -1))))
		id, _ := w.accept(event.Parallel, "orders.a")
		w.engine.Forget(id)
		if got := len(w.engine.watches.byEvent); got != 0 {
			t.Errorf("%d watches are left", got)
		}
	})
}

// failsAfter fails after a while.
func failsAfter(d time.Duration) func(context.Context, *event.Event) error {
	return func(context.Context, *event.Event) error {
		time.Sleep(d)
		return unavailable()
	}
}
