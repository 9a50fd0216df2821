# make run     installs what is missing, builds, then the tour: ten minutes in which a model is asked, trained, taught a puzzle and measured
# make build   the binary, build/minke
# make dist    dist/minke, one static file, and the default model beside it: copy the folder anywhere
# make test    builds and runs all tests
.PHONY: run build dist test

BUILD := build

run: build
	@runs/tour.sh

build:
	@tools/install.sh
	@cmake -S . -B $(BUILD) -G Ninja -DMINKE_TESTS=OFF $(CMAKE_FLAGS) > /dev/null
	@cmake --build $(BUILD)

dist:
	@tools/dist.sh

test:
	@tools/install.sh test
	@cmake -S . -B $(BUILD) -G Ninja -DMINKE_TESTS=ON $(CMAKE_FLAGS) > /dev/null
	@cmake --build $(BUILD)
	@tools/check_includes.py
	@ctest --test-dir $(BUILD) --output-on-failure
