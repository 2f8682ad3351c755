package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/telemetry"
)

// overview answers also when the store does not: that is when it is needed.
func (s *Server) overview(r *http.Request) (api.Overview, error) {
	o := api.Overview{
		Version: s.Version, StartedAt: utc(s.started), Accepting: true,
		Totals: countOf(store.Count{}), Destinations: summarize(nil),
		Store: s.storeFiles(), Config: configSummaryOf(s.Configuration.Loaded()),
	}
	if err := s.Accepting(); err != nil {
		o.Accepting, o.NotAccepting = false, err.Error()
	}
	if all, counts, err := s.allDestinations(r.Context()); err != nil {
		o.Store.Error = err.Error()
	} else {
		o.Store.Up, o.Totals, o.Destinations = true, countOf(counts.Total()), summarize(all)
	}
	return o, nil
}

// storeFiles measures an embedded store; what cannot be measured is left out.
func (s *Server) storeFiles() api.Store {
	if s.StoreDirectory == "" {
		return api.Store{}
	}
	disk, err := telemetry.MeasureDisk(s.StoreDirectory)
	files := api.Store{Directory: s.StoreDirectory, SizeBytes: disk.Used, FreeBytes: disk.Free}
	if err != nil {
		files.Error = err.Error()
	}
	return files
}

func (s *Server) counts(r *http.Request) (api.Counts, error) {
	counts, err := s.Archive.Counts(r.Context())
	return countsOf(counts), err
}

func (s *Server) recount(r *http.Request) (api.Recount, error) {
	rows, err := s.Archive.Recount(r.Context())
	if err != nil {
		return api.Recount{}, err
	}
	counters, err := s.Archive.Counts(r.Context())
	return api.Recount{Counters: countsOf(counters), Rows: countsOf(rows), Agree: agree(counters, rows)}, err
}

// agree says whether the counters and the rows tell the same of every destination.
func agree(counters, rows store.Counts) bool {
	names := slices.Concat(slices.Collect(maps.Keys(counters)), slices.Collect(maps.Keys(rows)))
	return !slices.ContainsFunc(names, func(name string) bool {
		a, b := counters[name], rows[name]
		return a.Accepted != b.Accepted || slices.ContainsFunc(event.States(), func(state event.State) bool {
			return a.States[state] != b.States[state]
		})
	})
}

func (s *Server) config(*http.Request) (api.Config, error) {
	loaded := s.Configuration.Loaded()
	effective, err := json.Marshal(loaded.Effective)
	if err != nil {
		return api.Config{}, fmt.Errorf("encode the configuration: %w", err)
	}
	return api.Config{ConfigSummary: configSummaryOf(loaded), Effective: effective}, nil
}

func (s *Server) reload(r *http.Request) (api.ConfigSummary, error) {
	err := s.Configuration.Reload(r.Context())
	s.audit(r, "reload", nil, "accepted", err == nil) // why not is logged where it was refused
	if err != nil {
		return api.ConfigSummary{}, refusedConfig(err)
	}
	return configSummaryOf(s.Configuration.Loaded()), nil
}
