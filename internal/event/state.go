package event

import "fmt"

// State is where a delivery stands.
//
//	          accept                    accept (later step of a sequential chain)
//	            │                          │
//	            ▼        released          ▼
//	┌──────► pending ◄────────────────── waiting
//	│           │  │ ▲                     │ chain stopped
//	│           │  │ └─ retry, interrupted ├────────────► skipped
//	│ replay    │  └────────────┬──────────┘  discard      │ ▲
//	│           │               ▼                          │ │ chain stopped
//	│       ┌───┴────┐     discarded                       │ │ (parallel)
//	│       ▼        ▼          │            replay of the step that stopped the chain:
//	├── delivered   dead ───────┤            skipped → waiting
//	└───────────────┴───────────┘
type State uint8

// The states. The numbers are stored: never renumber.
const (
	Pending   State = 1 // due at NextAttemptAt, or leased by a worker until then
	Waiting   State = 2 // an earlier step of a sequential chain must end first
	Delivered State = 3 // the destination confirmed
	Dead      State = 4 // ended without success; kept until replayed or discarded
	Discarded State = 5 // given up by an operator
	Skipped   State = 6 // a chain stopped before it
)

// States lists all states in the order in which the conservation equation names them.
func States() []State { return []State{Delivered, Pending, Waiting, Dead, Discarded, Skipped} }

// Ended says that nothing moves the delivery any more unless somebody decides so.
func (s State) Ended() bool { return s >= Delivered }

// String is the state's name in the API, the metrics and the documentation.
func (s State) String() string {
	switch s {
	case Pending:
		return "pending"
	case Waiting:
		return "waiting"
	case Delivered:
		return "delivered"
	case Dead:
		return "dead"
	case Discarded:
		return "discarded"
	case Skipped:
		return "skipped"
	default:
		return fmt.Sprintf("state(%d)", uint8(s))
	}
}

// MarshalText writes the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the state's name.
func (s *State) UnmarshalText(text []byte) error {
	for _, state := range States() {
		if state.String() == string(text) {
			*s = state
			return nil
		}
	}
	return fmt.Errorf("state %q: want one of delivered, pending, waiting, dead, discarded, skipped", text)
}
