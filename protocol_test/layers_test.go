// Package protocol_test holds what concerns the project as a whole: that its
// packages stay the layers they are meant to be.
package protocol_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sansmtp/sansmtp"

// layer is what the code of a package, its tests aside, may import beyond the
// standard library. pure packages are the core: they have no clock, no goroutine
// and nothing that reaches outside the process.
type layer struct {
	imports []string
	pure    bool
}

// layers is the house, bottom up: imports only ever point up this list.
var layers = map[string]layer{
	"future":        {pure: true},
	"protocol/wire": {pure: true},
	"protocol":      {pure: true, imports: []string{module + "/future", module + "/protocol/wire", "github.com/emersion/go-sasl"}},
	"protocol/auth": {imports: []string{
		module + "/protocol", module + "/protocol/wire", "github.com/emersion/go-sasl", "github.com/xdg-go/scram", "golang.org/x/text/secure/precis",
	}},
	"transport": {imports: []string{module + "/future", module + "/protocol"}},
	"netasync": {imports: []string{
		module + "/future", module + "/protocol", module + "/protocol/auth", module + "/protocol/wire", module + "/transport",
	}},
	"cmd/sansmtp": {imports: []string{
		module + "/netasync", module + "/protocol", module + "/protocol/wire", "github.com/alecthomas/kong",
	}},
}

// testOnly are trees that hold tests and what serves them.
var testOnly = []string{"protocol_test", "fuzz"}

// forbidden are the packages of the standard library that the core must not
// import, with all below them.
var forbidden = []string{"net", "os", "log", "syscall", "crypto/tls"}

// clocks are the functions of package time that read a clock or start a timer.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	for dir, files := range sources(t, "..") {
		l, known := layers[dir]
		if !known {
			if !slices.ContainsFunc(testOnly, func(tree string) bool { return dir == tree || strings.HasPrefix(dir, tree+"/") }) {
				t.Errorf("package %s has no place in the house", dir)
			}
			continue
		}
		seen[dir] = true
		for _, fault := range l.faults(files) {
			t.Errorf("%s: %s", dir, fault)
		}
	}
	for dir := range layers {
		if !seen[dir] {
			t.Errorf("%s stands in the list of layers, but has no source", dir)
		}
	}
}

// TestLayersSeesFaults keeps the check itself honest.
func TestLayersSeesFaults(t *testing.T) {
	const source = `package p
import ("net"; "net/netip"; "log/slog"; "os"; clock "time"; "example.test/other"; "` + module + `/future")
var _ = clock.Now
func f() { go f(); clock.AfterFunc(0, f) }
`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	l := layer{pure: true, imports: []string{module + "/future"}}
	got := l.faults([]*ast.File{file})
	want := []string{
		"imports net", "imports log/slog", "imports os", "imports example.test/other",
		"uses time.Now", "starts a goroutine", "uses time.AfterFunc",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// faults names everything in files that the layer does not allow.
func (l layer) faults(files []*ast.File) (faults []string) {
	for _, file := range files {
		clock := ""
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if name == "time" {
				clock = "time"
				if spec.Name != nil {
					clock = spec.Name.Name
				}
			}
			if !l.allows(name) {
				faults = append(faults, "imports "+name)
			}
		}
		if l.pure {
			faults = append(faults, impurities(file, clock)...)
		}
	}
	return faults
}

func (l layer) allows(name string) bool {
	if strings.Contains(strings.Split(name, "/")[0], ".") {
		return slices.Contains(l.imports, name)
	}
	if !l.pure || name == "net/netip" {
		return true
	}
	return !slices.ContainsFunc(forbidden, func(f string) bool { return name == f || strings.HasPrefix(name, f+"/") })
}

// impurities names the goroutines and clocks of a file that calls package time
// by the name clock.
func impurities(file *ast.File, clock string) (faults []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			faults = append(faults, "starts a goroutine")
		case *ast.SelectorExpr:
			if x, is := n.X.(*ast.Ident); is && x.Name == clock && slices.Contains(clocks, n.Sel.Name) {
				faults = append(faults, "uses time."+n.Sel.Name)
			}
		}
		return true
	})
	return faults
}

// sources parses the Go files of every package below root, tests and nested
// modules aside.
func sources(t *testing.T, root string) map[string][]*ast.File {
	t.Helper()
	packages := map[string][]*ast.File{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, nested := os.Stat(filepath.Join(name, "go.mod"))
			hidden := strings.HasPrefix(d.Name(), ".") && name != root
			if hidden || d.Name() == "testdata" || nested == nil && name != root {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		dir := path.Clean(filepath.ToSlash(rel))
		packages[dir] = append(packages[dir], file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}
