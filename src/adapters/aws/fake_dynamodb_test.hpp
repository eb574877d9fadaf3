#pragma once

#include <boost/json.hpp>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/aws/aws_fixture_test.hpp"

namespace s3link::aws {

/// One DynamoDB table in memory with the part of the API and of its expressions that the ledger uses: GetItem, PutItem,
/// UpdateItem with a condition; comparisons of attributes with values, attribute_not_exists, AND, OR, parentheses; SET
/// of values and if_not_exists, REMOVE. Whatever else it meets is a failure of the test.
class FakeDynamoDb {
 public:
  using Item = boost::json::object;

  Answer handle(const ScriptedHttp::Exchange& exchange) {
    const std::string operation = exchange.field("X-Amz-Target").substr(std::string("DynamoDB_20120810.").size());
    const Item request = boost::json::parse(exchange.body).as_object();
    EXPECT_EQ(request.at("TableName").as_string(), "claims");
    if (operation == "PutItem") {
      Item item = request.at("Item").as_object();
      items[key_of(item)] = std::move(item);
      return answer(200, "{}");
    }
    const Item& key = request.at("Key").as_object();
    if (operation == "GetItem") {
      EXPECT_TRUE(request.at("ConsistentRead").as_bool());
      const auto found = items.find(key_of(key));
      if (found == items.end()) return answer(200, "{}");
      return answer(200, boost::json::serialize(boost::json::value{{"Item", found->second}}));
    }
    EXPECT_EQ(operation, "UpdateItem");
    return update(request, key);
  }

  std::map<std::pair<std::string, std::string>, Item> items;

 private:
  static std::pair<std::string, std::string> key_of(const Item& attributes) {
    return {std::string(attributes.at("object").at("S").as_string()),
            std::string(attributes.at("delivery").at("S").as_string())};
  }

  Answer update(const Item& request, const Item& key) {
    const auto found = items.find(key_of(key));
    const Item old = found == items.end() ? Item() : found->second;
    values_ = request.at("ExpressionAttributeValues").as_object();
    item_ = old;
    read(request.at("ConditionExpression").as_string());
    if (!disjunction()) {
      Item error{{"__type", "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}, {"message", "failed"}};
      if (request.contains("ReturnValuesOnConditionCheckFailure") && !old.empty()) error["Item"] = old;
      return answer(400, boost::json::serialize(error));
    }
    EXPECT_EQ(next_, tokens_.size()) << "the condition goes on";
    Item changed = old.empty() ? key : old;
    read(request.at("UpdateExpression").as_string());
    apply(changed);
    items[key_of(key)] = std::move(changed);
    return answer(200, "{}");
  }

  void read(std::string_view text) {
    tokens_.clear();
    next_ = 0;
    std::string word;
    const auto end_word = [&] {
      if (!word.empty()) tokens_.push_back(std::exchange(word, {}));
    };
    for (const char c : text) {
      if (c == ' ' || c == '(' || c == ')' || c == ',') {
        end_word();
        if (c != ' ') tokens_.emplace_back(1, c);
      } else {
        word += c;
      }
    }
    end_word();
  }
  bool at_end() const { return next_ == tokens_.size(); }
  bool peek(std::string_view token) const { return !at_end() && tokens_[next_] == token; }
  std::string take() {
    if (at_end()) {
      ADD_FAILURE() << "the expression ends early";
      return {};
    }
    return tokens_[next_++];
  }
  bool take_if(std::string_view token) {
    const bool there = peek(token);
    if (there) ++next_;
    return there;
  }
  void expect(std::string_view token) { EXPECT_EQ(take(), token); }

  bool disjunction() {
    bool result = conjunction();
    while (take_if("OR")) {
      const bool right = conjunction();
      result = result || right;
    }
    return result;
  }
  bool conjunction() {
    bool result = comparison();
    while (take_if("AND")) {
      const bool right = comparison();
      result = result && right;
    }
    return result;
  }
  bool comparison() {
    if (take_if("(")) {
      const bool result = disjunction();
      expect(")");
      return result;
    }
    const std::string name = take();
    if (name == "attribute_not_exists") {
      expect("(");
      const bool result = !item_.contains(take());
      expect(")");
      return result;
    }
    const std::string comparator = take();
    const auto value = values_.at(take()).as_object();
    if (!item_.contains(name)) return false;
    const int order = compare(item_.at(name).as_object(), value);
    if (comparator == "=") return order == 0;
    if (comparator == "<") return order < 0;
    EXPECT_EQ(comparator, "<=");
    return order <= 0;
  }
  static int compare(const Item& a, const Item& b) {
    EXPECT_EQ(a.begin()->key(), b.begin()->key()) << "values of two types";
    const std::string left(a.begin()->value().as_string());
    const std::string right(b.begin()->value().as_string());
    if (a.contains("S")) return left.compare(right);
    const auto difference = std::stoll(left) - std::stoll(right);
    return difference < 0 ? -1 : difference > 0 ? 1 : 0;
  }

  void apply(Item& changed) {
    while (!at_end()) {
      const std::string clause = take();
      do {
        const std::string name = take();
        if (clause == "SET") {
          expect("=");
          set(changed, name);
        } else {
          EXPECT_EQ(clause, "REMOVE");
          changed.erase(name);
        }
      } while (take_if(","));
    }
  }
  void set(Item& changed, const std::string& name) {
    if (!take_if("if_not_exists")) {
      changed[name] = values_.at(take());
      return;
    }
    expect("(");
    const std::string other = take();
    expect(",");
    const auto value = values_.at(take());
    expect(")");
    changed[name] = item_.contains(other) ? item_.at(other) : value;
  }

  Item item_;    // before the change
  Item values_;  // ExpressionAttributeValues
  std::vector<std::string> tokens_;
  std::size_t next_ = 0;
};

}  // namespace s3link::aws
