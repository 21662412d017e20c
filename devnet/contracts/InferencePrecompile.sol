// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import "./InferenceTypes.sol";

/// Stands where the chain's inference precompile is. The real one runs the model; here the caller brings
/// the response along, and only the log is made.
contract InferencePrecompile {
    event LLMChat(string inferenceID, ChatRequest request, ChatResponse response);
    event LLMCompletionEvent(string inferenceID, CompletionRequest request, CompletionResponse response);
    event ModelInferenceEvent(string inferenceID, ModelRequest request, ModelOutput response);

    function chat(string calldata id, ChatRequest calldata request, ChatResponse calldata response) external {
        emit LLMChat(id, request, response);
    }

    function completion(string calldata id, CompletionRequest calldata request, CompletionResponse calldata response)
        external
    {
        emit LLMCompletionEvent(id, request, response);
    }

    function model(string calldata id, ModelRequest calldata request, ModelOutput calldata response) external {
        emit ModelInferenceEvent(id, request, response);
    }
}
