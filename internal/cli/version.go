package cli

import (
	"runtime"
	"runtime/debug"
)

// version prints which build this is.
type version struct{ output }

// Run is called by kong.
func (v *version) Run(t *terminal) error {
	build := struct {
		Version  string `json:"version"`
		Go       string `json:"go"`
		Platform string `json:"platform"`
	}{buildVersion(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	return v.print(t, build, func() { t.printf("grapnel %s (%s %s)\n", build.Version, build.Go, build.Platform) })
}

// buildVersion is the version that the Go tool stamped from git or from the module.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
