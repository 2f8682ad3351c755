package event

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestChainEnded(t *testing.T) {
	tests := []struct {
		rule  string
		chain Chain
		steps []State
		step  int
		want  []Change
	}{
		{"independent steps move nobody", Parallel, []State{Dead, Pending}, 0, nil},
		{"a delivered step releases the next one", Sequential, []State{Delivered, Waiting, Waiting}, 0, []Change{{1, Pending}}},
		{"a failed step releases the next one when the chain continues", Sequential, []State{Dead, Waiting}, 0, []Change{{1, Pending}}},
		{"a failed step skips all later ones when the chain stops", SequentialStop, []State{Dead, Waiting, Waiting}, 0, []Change{{1, Skipped}, {2, Skipped}}},
		{"a delivered step releases the next one when the chain would stop", SequentialStop, []State{Delivered, Waiting}, 0, []Change{{1, Pending}}},
		{"a waiting step that is discarded releases nobody before its turn", Sequential, []State{Pending, Discarded, Waiting}, 1, nil},
		{"a discarded step is passed over when its turn comes", Sequential, []State{Delivered, Discarded, Waiting}, 0, []Change{{2, Pending}}},
		{"a discarded later step leaves the earlier one alone when the chain stops", SequentialStop, []State{Pending, Discarded, Waiting}, 1, []Change{{2, Skipped}}},
		{"a failed parallel step skips the others when the chain stops", ParallelStop, []State{Delivered, Dead, Pending}, 1, []Change{{2, Skipped}}},
		{"a replayed step that was delivered again moves nobody who has ended", Sequential, []State{Delivered, Delivered}, 0, nil},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			if got := test.chain.Ended(test.steps, test.step); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestChainCut(t *testing.T) {
	t.Run("a step that would be retried is skipped when another one stopped its parallel chain", func(t *testing.T) {
		if !ParallelStop.Cut([]State{Dead, Pending}, 1) {
			t.Error("the step goes on although its chain has stopped")
		}
	})
	t.Run("its own failure does not cut a step", func(t *testing.T) {
		if ParallelStop.Cut([]State{Dead, Pending}, 0) {
			t.Error("a step cut itself")
		}
	})
	t.Run("independent steps cut nobody", func(t *testing.T) {
		if Parallel.Cut([]State{Dead, Pending}, 1) {
			t.Error("an independent step was cut")
		}
	})
}

func TestChainReplayed(t *testing.T) {
	t.Run("what a failure skipped comes back as it was accepted", func(t *testing.T) {
		got := SequentialStop.Replayed([]State{Dead, Skipped, Skipped}, 0)
		if want := []Change{{1, Waiting}, {2, Waiting}}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("nothing comes back when the chain never stops", func(t *testing.T) {
		if got := Sequential.Replayed([]State{Dead, Delivered}, 0); got != nil {
			t.Errorf("got %v", got)
		}
	})
}

// Whatever the steps of a sequential chain come to, and whatever an operator discards in between, all of them end, in
// their order, and no two are pending at once.
func TestSequentialChainsAlwaysEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chain := rapid.SampledFrom([]Chain{Sequential, SequentialStop}).Draw(t, "chain")
		steps := make([]State, rapid.IntRange(1, MaxSteps).Draw(t, "steps"))
		for i := range steps {
			steps[i] = chain.First(i)
		}
		for moves := 0; slices.ContainsFunc(steps, func(s State) bool { return !s.Ended() }); moves++ {
			if moves > len(steps) {
				t.Fatalf("the chain is stuck: %v", steps)
			}
			unended := []int{}
			for i, s := range steps {
				if s == Pending || s == Waiting {
					unended = append(unended, i)
				}
			}
			i := rapid.SampledFrom(unended).Draw(t, "step")
			to := Discarded
			if steps[i] == Pending {
				to = rapid.SampledFrom([]State{Delivered, Dead, Discarded}).Draw(t, "end")
			}
			steps[i] = to
			for _, change := range chain.Ended(steps, i) {
				steps[change.Step] = change.To
			}
			if pending := count(steps, Pending); pending > 1 {
				t.Fatalf("%d steps are pending at once: %v", pending, steps)
			}
		}
	})
}

func count(steps []State, state State) int {
	n := 0
	for _, s := range steps {
		if s == state {
			n++
		}
	}
	return n
}
