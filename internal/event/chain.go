package event

import "fmt"

// MaxSteps is how many steps a chain may have: ids of deliveries and the classic format both rely on it.
const MaxSteps = 20

// Chain is the rule by which the steps of one event depend on each other. It is stored with the event, so a reload
// never changes a chain that is under way. The numbers are stored: never renumber.
type Chain uint8

// The rules of a chain. A webhook with one destination is a chain of one step, whatever its rule.
const (
	Parallel           Chain = 0 // steps are independent
	ParallelStop       Chain = 1 // the first step that fails for good skips the ones that have not ended
	Sequential         Chain = 2 // one after the other, whatever each came to
	SequentialStop     Chain = 3 // one after the other; a step that fails for good skips the rest
	chainAfterLastRule Chain = 4
)

// Valid says whether c is one of the rules.
func (c Chain) Valid() bool { return c < chainAfterLastRule }

// Sequential says whether a step waits for the one before it.
func (c Chain) Sequential() bool { return c == Sequential || c == SequentialStop }

// StopsOnFailure says whether a step that fails for good skips others.
func (c Chain) StopsOnFailure() bool { return c == ParallelStop || c == SequentialStop }

// First is the state in which a step starts its life.
func (c Chain) First(step int) State {
	if c.Sequential() && step > 0 {
		return Waiting
	}
	return Pending
}

// Change is a step that moves to another state because another step did.
type Change struct {
	Step int
	To   State
}

// Ended says what follows for the other steps when step has ended in the state steps[step]: waiting steps are released
// (to Pending) or skipped, and ParallelStop skips pending ones too. The store leaves a skipped step that a worker holds
// right now to its worker: see Cut.
func (c Chain) Ended(steps []State, step int) []Change {
	if steps[step] != Delivered && c.StopsOnFailure() {
		return c.skip(steps, step)
	}
	if c.Sequential() {
		return releaseFirst(steps)
	}
	return nil
}

// Cut says whether a step that would be tried again must be skipped instead, because another step of its parallel
// chain has failed for good while this one was being attempted.
func (c Chain) Cut(steps []State, step int) bool {
	if c != ParallelStop {
		return false
	}
	for i, s := range steps {
		if i != step && (s == Dead || s == Discarded) {
			return true
		}
	}
	return false
}

// Replayed says what follows for the other steps when step, which had ended, starts again: what its failure skipped
// comes back as it was first accepted.
func (c Chain) Replayed(steps []State, step int) []Change {
	if !c.StopsOnFailure() {
		return nil
	}
	var changes []Change
	for i, s := range steps {
		if s == Skipped && i != step {
			changes = append(changes, Change{Step: i, To: c.First(i)})
		}
	}
	return changes
}

// skip lists the steps that the failure of one stops: in a sequential chain the later ones, else all others.
func (c Chain) skip(steps []State, failed int) []Change {
	from := 0
	if c.Sequential() {
		from = failed + 1
	}
	var changes []Change
	for i := from; i < len(steps); i++ {
		if !steps[i].Ended() {
			changes = append(changes, Change{Step: i, To: Skipped})
		}
	}
	return changes
}

// releaseFirst releases the first step that has not ended, if it is waiting: all before it have ended.
func releaseFirst(steps []State) []Change {
	for i, s := range steps {
		switch {
		case s.Ended():
		case s == Waiting:
			return []Change{{Step: i, To: Pending}}
		default:
			return nil
		}
	}
	return nil
}

// String is the rule's name in the documentation and the API.
func (c Chain) String() string {
	switch c {
	case Parallel:
		return "parallel"
	case ParallelStop:
		return "parallel, stop on failure"
	case Sequential:
		return "sequential"
	case SequentialStop:
		return "sequential, stop on failure"
	default:
		return fmt.Sprintf("chain(%d)", uint8(c))
	}
}
