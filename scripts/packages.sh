# shellcheck shell=bash
# Sourced by ./run, ./test and deploy/aws/build-lambda: installs the Debian packages they need.

say() { printf '%s\n' "==> $*" >&2; }
die() { printf '%s\n' "${0##*/}: $*" >&2; exit 1; }

# Is the package installed and configured?
installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Prints the packages of scripts/packages/LIST.txt that are missing, one a line.
missing_of() {
  local package command
  while read -r package command; do
    case $package in ''|'#'*) continue ;; esac
    if [ -n "$command" ] && command -v "$command" >/dev/null; then continue; fi
    installed "$package" || echo "$package"
  done <"scripts/packages/$1.txt"
}

# Is a mail system installed? Then it stays, and the relay tests that need Postfix are run with aiosmtpd.
other_mail_system() {
  ! installed postfix && dpkg-query -W -f='${db:Status-Status} ${Provides}\n' | grep -q '^installed .*mail-transport-agent'
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

# Installs whatever of the lists is missing; says what it does, and says nothing when nothing is missing.
need_packages() {
  command -v dpkg-query >/dev/null || die "this script installs Debian packages; on another system install the" \
    "equivalents of scripts/packages/*.txt and call cmake --preset release yourself (CONTRIBUTING.md)"
  local list
  local -a missing=()
  for list in "$@"; do
    mapfile -t -O "${#missing[@]}" missing < <(missing_of "$list")
    if [ "$list" = test ] && ! installed postfix; then
      if other_mail_system; then
        say "another mail system is installed: it stays, and the relay tests use aiosmtpd instead of Postfix"
      else
        missing+=(postfix)
      fi
    fi
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    die "packages are missing and there is no sudo; as root: apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "installing from Debian: ${missing[*]}"
  as_root apt-get update -q -o Acquire::Retries=3 >&2 || say "apt-get update failed; trying with the lists there are"
  local policy=/usr/sbin/policy-rc.d made_policy=
  case " ${missing[*]} " in
    *" postfix "*)
      # The tests start a Postfix of their own: the package brings the programs, no configuration and no running daemon.
      echo 'postfix postfix/main_mailer_type select No configuration' | as_root debconf-set-selections
      if [ ! -e "$policy" ] && ischroot; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        made_policy=1
      fi
      ;;
  esac
  local status=0
  as_root apt-get install -q -y --no-install-recommends -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "${missing[@]}" >&2 ||
    status=$?
  [ -z "$made_policy" ] || as_root rm -f "$policy"
  [ $status = 0 ] || die "apt-get could not install the packages above (status $status)"
}

# need_unpacked PACKAGE [PACKAGE…]: unpacks Debian packages into build/unpacked/PACKAGE, unless they are there. For servers
# that tests start themselves: their installation would start one. The libraries they need are in scripts/packages/test.txt.
need_unpacked() {
  local package folder
  local -a missing=()
  for package in "$@"; do [ -e "build/unpacked/$package/.unpacked" ] || missing+=("$package"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "downloading from Debian, to be unpacked in build/unpacked: ${missing[*]}"
  folder=$PWD/build/unpacked
  rm -rf "$folder/debs"
  mkdir -p "$folder/debs"
  local -a download=(apt-get download -q -o Acquire::Retries=3 -o APT::Sandbox::User=root "${missing[@]}")
  (cd "$folder/debs" && { "${download[@]}" >&2 || { as_root apt-get update -q >&2 && "${download[@]}" >&2; }; }) ||
    die "apt-get could not download: ${missing[*]}"
  for package in "${missing[@]}"; do
    rm -rf "${folder:?}/$package"
    dpkg-deb -x "$folder/debs/$package"_*.deb "$folder/$package" || die "the package $package cannot be unpacked"
    touch "$folder/$package/.unpacked"
  done
  rm -rf "$folder/debs"
}

# Installs the npm packages of a folder, exactly those of its package-lock.json, when they are not there already.
need_node_modules() {
  local folder=$1 stamp=$1/node_modules/.installed-lock.json
  if cmp -s "$folder/package-lock.json" "$stamp"; then return 0; fi
  say "installing from npm: the packages of $folder/package-lock.json"
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2) ||
    die "npm could not install the packages of $folder"
  cp "$folder/package-lock.json" "$stamp"
}

# build_release [TARGET]: configures build/release (with the tests when GoogleTest is there, so that ./run and ./test
# share it without building anything twice) and builds the target, or everything.
build_release() {
  local tests=OFF
  # Clones in other folders share what ccache holds.
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  if installed libgtest-dev && installed libgmock-dev; then tests=ON; fi
  say "building build/release${1:+, target $1}"
  cmake --preset release -DS3LINK_TESTS=$tests --log-level=NOTICE >&2 || die "cmake could not configure"
  cmake --build --preset release ${1:+--target "$1"} >&2 || die "the build failed"
}
