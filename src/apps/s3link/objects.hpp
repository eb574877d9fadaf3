#pragma once

#include <string>
#include <vector>

#include "apps/s3link/configuration.hpp"

namespace s3link::app {

struct ListOptions {
  ClientOptions client;
  std::string prefix;
  bool json = false;
};
/// Lists the objects of the exchange bucket with size, age and removal date. Returns the exit status.
int list_objects(const ListOptions& options);

struct RemoveOptions {
  ClientOptions client;
  std::vector<std::string> keys;
};
/// Removes objects; a key that does not exist is a failure, but does not keep the others from being removed.
int remove_objects(const RemoveOptions& options);

}  // namespace s3link::app
