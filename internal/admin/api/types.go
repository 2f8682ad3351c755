// Package api holds the wire types of the admin API and a client for it.
//
// It knows nothing of how the gateway finds its answers: the server that speaks these types is package admin. Names are
// snake_case, times are RFC 3339 in UTC, durations are seconds. What is zero or empty is left out, except where its
// absence could be misread.
package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
)

// Page is a part of a list.
type Page[T any] struct {
	Items []T `json:"items"`
	// Next is the cursor of the next page; empty at the end.
	Next string `json:"next,omitempty"`
}

// PageRequest asks for a page of a list.
type PageRequest struct {
	// Limit is how many items at most: 1 to 1000; 0 means 50.
	Limit int
	// Cursor is Page.Next of the page before; empty for the first.
	Cursor string
}

// Overview is what somebody who is called at night reads first.
type Overview struct {
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	// Accepting says whether senders get 2xx; NotAccepting says why they do not.
	Accepting    bool   `json:"accepting"`
	NotAccepting string `json:"not_accepting,omitempty"`
	// Totals is the conservation equation over all destinations.
	Totals       Count              `json:"totals"`
	Destinations DestinationSummary `json:"destinations"`
	Store        Store              `json:"store"`
	Config       ConfigSummary      `json:"config"`
}

// DestinationSummary counts destinations by what is the matter with them.
type DestinationSummary struct {
	Total int `json:"total"`
	// States counts the destinations in each state.
	States map[DestinationState]int `json:"states"`
	// Backlog is what is pending at all of them, InFlight the attempts under way.
	Backlog  int64 `json:"backlog"`
	InFlight int   `json:"in_flight"`
	// OldestAgeSeconds is the age of the oldest pending delivery.
	OldestAgeSeconds float64 `json:"oldest_age_seconds"`
}

// Store is how the store is doing.
type Store struct {
	Up    bool   `json:"up"`
	Error string `json:"error,omitempty"`
	// Directory, SizeBytes and FreeBytes tell of an embedded store: its folder, its files, and the room that is left.
	Directory string `json:"directory,omitempty"`
	SizeBytes int64  `json:"size_bytes,omitempty"`
	FreeBytes int64  `json:"free_bytes,omitempty"`
}

// Count is the conservation equation of one destination, or of all: accepted = the sum of the states, counted in
// deliveries since the store was made.
type Count struct {
	Accepted int64                 `json:"accepted"`
	States   map[event.State]int64 `json:"states"`
	// Retired tells how many of States retention has deleted.
	Retired  map[event.State]int64 `json:"retired,omitempty"`
	Balanced bool                  `json:"balanced"`
}

// Counts is the conservation equation for every destination and in total.
type Counts struct {
	Total        Count            `json:"total"`
	Destinations map[string]Count `json:"destinations"`
}

// Recount compares the counters with the rows that are there.
type Recount struct {
	Counters Counts `json:"counters"`
	Rows     Counts `json:"rows"`
	// Agree says that both tell the same. While deliveries move they may differ by what moved between the two reads:
	// the proof that nothing was lost is that Rows balances.
	Agree bool `json:"agree"`
}

// EventSummary is an event in a list.
type EventSummary struct {
	ID          string    `json:"id"`
	Webhook     string    `json:"webhook"`
	ReceivedAt  time.Time `json:"received_at"`
	DedupeKey   string    `json:"dedupe_key,omitempty"`
	ContentType string    `json:"content_type,omitempty"`
	SizeBytes   int       `json:"size_bytes"`
	// States are those of its deliveries, in the order of the steps.
	States []event.State `json:"states"`
}

// Event is an event with all that became of it. Its body has an address of its own.
type Event struct {
	ID         string      `json:"id"`
	Webhook    string      `json:"webhook"`
	ReceivedAt time.Time   `json:"received_at"`
	DedupeKey  string      `json:"dedupe_key,omitempty"`
	Method     string      `json:"method"`
	URL        string      `json:"url"`
	Header     http.Header `json:"header"`
	SizeBytes  int         `json:"size_bytes"`
	Deliveries []Timeline  `json:"deliveries"`
}

// Timeline is a delivery with its attempts, oldest first.
type Timeline struct {
	Delivery

	History []Attempt `json:"history"`
}

// Delivery is one event for one destination.
type Delivery struct {
	// ID is "<event id>/<step>".
	ID          string      `json:"id"`
	Event       string      `json:"event"`
	Step        int         `json:"step"`
	Webhook     string      `json:"webhook"`
	Destination string      `json:"destination"`
	State       event.State `json:"state"`
	// Attempts counts all attempts ever made, Spent those that the retry policy has counted in this life.
	Attempts   int       `json:"attempts"`
	Spent      int       `json:"spent"`
	ReceivedAt time.Time `json:"received_at"`
	// Since is when this life of the delivery began: when it was received, or at its replay.
	Since time.Time `json:"since"`
	// NextAttemptAt is when a pending delivery is due. InFlight says that an attempt is under way: then it is when the
	// lease of the worker ends.
	NextAttemptAt time.Time   `json:"next_attempt_at,omitzero"`
	InFlight      bool        `json:"in_flight"`
	EndedAt       time.Time   `json:"ended_at,omitzero"`
	LastClass     fault.Class `json:"last_class,omitempty"`
	LastCode      string      `json:"last_code,omitempty"`
	LastError     string      `json:"last_error,omitempty"`
}

// Attempt is one try of a delivery with its outcome.
type Attempt struct {
	Number        int           `json:"number"`
	StartedAt     time.Time     `json:"started_at"`
	TookSeconds   float64       `json:"took_seconds"`
	Outcome       event.Outcome `json:"outcome"`
	Class         fault.Class   `json:"class,omitempty"`
	Code          string        `json:"code,omitempty"`
	Error         string        `json:"error,omitempty"`
	Receipt       string        `json:"receipt,omitempty"`
	Response      string        `json:"response,omitempty"`
	NextAttemptAt time.Time     `json:"next_attempt_at,omitzero"`
}

// DestinationState is what is the matter with a destination, in one word.
type DestinationState string

// The states of a destination; when several are true the first one is given.
const (
	DestinationUnconfigured DestinationState = "unconfigured" // has deliveries, but no webhook names it any more
	DestinationPaused       DestinationState = "paused"       // by an operator
	DestinationOpen         DestinationState = "open"         // its circuit breaker is open: it is down
	DestinationHalfOpen     DestinationState = "half_open"    // one delivery is trying whether it is back
	DestinationHeld         DestinationState = "held"         // it asked us to wait (Retry-After)
	DestinationOK           DestinationState = "ok"
)

// Destination is how one destination is doing.
type Destination struct {
	Name    string `json:"name"`
	Webhook string `json:"webhook,omitempty"`
	Module  string `json:"module,omitempty"`
	// State is ok, held, half_open, open, paused or unconfigured.
	State DestinationState `json:"state"`
	// Breaker is closed, half_open or open; RetryAt is when an open one lets the next delivery through.
	Breaker string    `json:"breaker,omitempty"`
	RetryAt time.Time `json:"retry_at,omitzero"`
	// HeldUntil is until when it asked us to wait.
	HeldUntil   time.Time `json:"held_until,omitzero"`
	Paused      bool      `json:"paused"`
	PausedSince time.Time `json:"paused_since,omitzero"`
	InFlight    int       `json:"in_flight"`
	Concurrency int       `json:"concurrency,omitempty"`
	// Backlog is what is pending, attempts under way included.
	Backlog          int64     `json:"backlog"`
	OldestReceivedAt time.Time `json:"oldest_received_at,omitzero"`
	OldestAgeSeconds float64   `json:"oldest_age_seconds"`
	NextDueAt        time.Time `json:"next_due_at,omitzero"`
	// LastFailure is the last failed attempt since the gateway started.
	LastFailure Failure `json:"last_failure,omitzero"`
	Counts      Count   `json:"counts"`
}

// Failure is a failed attempt.
type Failure struct {
	At    time.Time   `json:"at"`
	Class fault.Class `json:"class"`
	Code  string      `json:"code,omitempty"`
	Error string      `json:"error"`
}

// ConfigSummary tells which configuration runs.
type ConfigSummary struct {
	// LoadedAt is when the running configuration was loaded.
	LoadedAt time.Time `json:"loaded_at"`
	Warnings []string  `json:"warnings,omitempty"`
	// LastError tells why the last reload was refused, at FailedAt; empty when it was not.
	LastError string    `json:"last_error,omitempty"`
	FailedAt  time.Time `json:"failed_at,omitzero"`
}

// Config is the running configuration with its defaults filled in and its secrets redacted.
type Config struct {
	ConfigSummary

	Effective json.RawMessage `json:"effective"`
}

// DeliveryFilter selects deliveries: those to which everything that is set applies. The zero filter selects all.
type DeliveryFilter struct {
	EventID     string        `json:"event,omitempty"`
	Webhook     string        `json:"webhook,omitempty"`
	Destination string        `json:"destination,omitempty"`
	States      []event.State `json:"states,omitempty"`
	// Class and Code are those of the last failed attempt.
	Class fault.Class `json:"class,omitempty"`
	Code  string      `json:"code,omitempty"`
	// After and Before bound when the event was received: after <= t < before.
	After  time.Time `json:"after,omitzero"`
	Before time.Time `json:"before,omitzero"`
}

// EventFilter selects events: those to which everything that is set applies. The zero filter selects all.
type EventFilter struct {
	Webhook   string
	DedupeKey string
	// After and Before bound when the event was received: After <= t < Before.
	After, Before time.Time
}

// BulkRequest says which deliveries to replay or to discard: either IDs or Filter.
//
// Replay is possible for delivered, dead and discarded ones, discard for pending (unless an attempt is under way),
// waiting and dead ones. Where no states are given only dead ones are taken, so that nothing is delivered twice or given
// up by an oversight; a delivery that is named by its id is taken in any state that allows it.
type BulkRequest struct {
	// IDs are ids of events, or of deliveries ("<event id>/<step>"); at most 1000.
	IDs    []string       `json:"ids,omitempty"`
	Filter DeliveryFilter `json:"filter,omitzero"`
	// All has to be true when neither IDs nor anything in Filter is set.
	All bool `json:"all,omitempty"`
	// Limit bounds how many are taken; 0: no limit.
	Limit int `json:"limit,omitempty"`
	// DryRun only counts.
	DryRun bool `json:"dry_run,omitempty"`
}

// BulkResult says what a replay or a discard did, or would do.
type BulkResult struct {
	DryRun bool `json:"dry_run"`
	// Count is how many deliveries changed their state, steps of their chains that followed them included; in a dry run
	// how many would be taken.
	Count int `json:"count"`
	// IDs are the first of them, at most 20.
	IDs []string `json:"ids"`
}

// Health is the answer of /readyz.
type Health struct {
	Ready bool `json:"ready"`
	// Reason says why it is not.
	Reason string `json:"reason,omitempty"`
	// Down lists destinations whose circuit breaker is not closed: they make nothing unready.
	Down []string `json:"down,omitempty"`
}
