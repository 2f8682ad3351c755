package script

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestDocumentation runs what the documentation shows. In a page,
//
//	```yaml grapnel.yaml      (or json, or any other language) is a file of that name,
//	```console                is a session: "$ " stands before a command, and what it prints below.
//
// Every line of the output must come, where … stands for anything. $ID is the id that the last `grapnel send` got. A page is one script from its top to
// its end: files are there from the start, a command with & at its end runs until then.
func TestDocumentation(t *testing.T) {
	dir := t.TempDir()
	for _, page := range pages(t) {
		script, err := scriptOf(page)
		if err != nil {
			t.Fatalf("%s: %v", page, err)
		}
		if script != "" {
			writeScript(t, dir, page, script)
		}
	}
	documentation := params(dir)
	documentation.Setup = setupDocs
	testscript.Run(t, documentation)
}

func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"../../README.md"}
	for _, pattern := range []string{"../../docs/*.md", "../../docs/guide/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

func writeScript(t *testing.T, dir, page, script string) {
	t.Helper()
	name := strings.TrimSuffix(filepath.Base(page), ".md") + ".txtar"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
}

// setupDocs gives the page's script a place of its own: what the pages say of ports 8000 to 8002 becomes true of the
// addresses that the script has.
func setupDocs(env *testscript.Env) error {
	if err := setup(env); err != nil {
		return err
	}
	addresses := strings.NewReplacer("127.0.0.1:8000", env.Getenv("PUBLIC"), "127.0.0.1:8001", env.Getenv("ADMIN"), "127.0.0.1:8002", env.Getenv("OTHER"))
	return filepath.WalkDir(env.WorkDir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(addresses.Replace(string(content))), 0o600)
	})
}

// fence is a block of a page: what stands after its ```, and its lines.
type fence struct {
	language, name string
	lines          []string
}

var fenceStart = regexp.MustCompile("^```(\\w+)(?: (\\S+))?$")

func fences(page string) ([]fence, error) {
	content, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	var found []fence
	open := false
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		switch start := fenceStart.FindStringSubmatch(line); {
		case open && line == "```":
			open = false
		case open:
			last := &found[len(found)-1]
			last.lines = append(last.lines, line)
		case start != nil:
			open = true
			found = append(found, fence{language: start[1], name: start[2]})
		}
	}
	return found, nil
}

// scriptOf is the page as a script; empty when there is nothing to run.
func scriptOf(page string) (string, error) {
	blocks, err := fences(page)
	if err != nil {
		return "", err
	}
	var script, files strings.Builder
	for i, block := range blocks {
		switch {
		case block.language == "console":
			script.WriteString(session(block.lines))
		case block.name != "":
			fmt.Fprintf(&files, "-- %s --\n%s\n", block.name, strings.Join(block.lines, "\n"))
		case block.language == "yaml":
			// An example without a name must be a whole configuration too.
			name := fmt.Sprintf("example%d.yaml", i)
			fmt.Fprintf(&files, "-- %s --\n%s\n", name, strings.Join(block.lines, "\n"))
			fmt.Fprintf(&script, "exec grapnel check --config %s\n", name)
		}
	}
	if script.Len() == 0 {
		return "", nil
	}
	return variables(files.String()) + script.String() + files.String(), nil
}

var variable = regexp.MustCompile(`\{\$(\w+)\}`)

// variables sets every variable that the files take from the environment.
func variables(files string) string {
	var script strings.Builder
	for _, found := range variable.FindAllStringSubmatch(files, -1) {
		fmt.Fprintf(&script, "env %s=made-for-this-test\n", found[1])
	}
	return script.String()
}

// session turns a console block into lines of a script. A command is written to a file, so that nothing needs quoting.
func session(lines []string) string {
	var script strings.Builder
	for _, line := range lines {
		command, isCommand := strings.CutPrefix(line, "$ ")
		background, isBackground := strings.CutSuffix(command, " &")
		switch {
		case isCommand && isBackground:
			fmt.Fprintf(&script, "exec sh -c %s &\nready $ADMIN\n", quoted("exec "+addressed(background)))
		case isCommand:
			fmt.Fprintf(&script, "exec sh -c %s\n", quoted("{ "+addressed(command)+"; } 2>&1"))
			if strings.HasPrefix(command, "grapnel send") && !strings.Contains(command, "--curl") {
				script.WriteString(`capture ID '"id": ?"([^"]+)"'` + "\n")
			}
		case line != "" && line != "…":
			fmt.Fprintf(&script, "stdout %s\n", quoted(pattern(line)))
		}
	}
	return script.String()
}

// addressed is a command with the addresses that the script has, which the shell knows, also where a page relies on
// the usual ones.
func addressed(command string) string {
	command = strings.NewReplacer("127.0.0.1:8000", "$PUBLIC", "127.0.0.1:8001", "$ADMIN", "127.0.0.1:8002", "$OTHER").Replace(command)
	switch {
	case strings.HasPrefix(command, "grapnel serve"):
		return command + " --listen $PUBLIC --admin-listen $ADMIN"
	case strings.HasPrefix(command, "grapnel send"):
		return strings.Replace(command, "grapnel send", "grapnel send --url http://$PUBLIC", 1)
	default:
		return command
	}
}

var port = regexp.MustCompile(`127\\.0\\.0\\.1:800[0-2]`)

var spaces = regexp.MustCompile(` {2,}`)

// pattern matches a line of output, on any port and with columns of any width.
func pattern(line string) string {
	anything := strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*")
	anything = spaces.ReplaceAllString(anything, " +")
	return "(?m)^" + port.ReplaceAllString(anything, `127\.0\.0\.1:\d+`) + "$"
}

// quoted is one word of a script, without the expansion of variables.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", "''") + "'" }
